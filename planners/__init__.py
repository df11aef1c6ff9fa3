"""Turning what was measured of a data set into a plan; nothing here needs torch, and planning is instant.

The names are loaded when they are first used, so that a module of this package costs only what it needs itself.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planners.choices import Choice, PartTable, choose, resolve
    from planners.editing.explain import Section, explain_plan, plan_as_json
    from planners.editing.overrides import set_values
    from planners.editing.plan_checks import check_plan
    from planners.machine import MachineProfile
    from planners.plan import Configuration, Decision, Fold, Plan, Preprocessing, Splits
    from planners.planner import Planner, PlanRequest
    from planners.presets import PLANNERS, choose_machine, make_plan
    from planners.stage_inputs import CropTo, Initial, MaskOf

_MODULES = {
    "planners.choices": ("Choice", "PartTable", "choose", "resolve"),
    "planners.editing.explain": ("Section", "explain_plan", "plan_as_json"),
    "planners.editing.overrides": ("set_values",),
    "planners.editing.plan_checks": ("check_plan",),
    "planners.machine": ("MachineProfile",),
    "planners.plan": ("Configuration", "Decision", "Fold", "Plan", "Preprocessing", "Splits"),
    "planners.planner": ("PlanRequest", "Planner"),
    "planners.presets": ("PLANNERS", "choose_machine", "make_plan"),
    "planners.stage_inputs": ("CropTo", "Initial", "MaskOf"),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "PLANNERS",
    "Choice",
    "Configuration",
    "CropTo",
    "Decision",
    "Fold",
    "Initial",
    "MachineProfile",
    "MaskOf",
    "PartTable",
    "Plan",
    "PlanRequest",
    "Planner",
    "Preprocessing",
    "Section",
    "Splits",
    "check_plan",
    "choose",
    "choose_machine",
    "explain_plan",
    "make_plan",
    "plan_as_json",
    "resolve",
    "set_values",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'planners' has no attribute '{name}'")
    return getattr(import_module(_WHERE[name]), name)
