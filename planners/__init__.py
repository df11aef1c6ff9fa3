"""Turning what was measured of a data set into a plan; nothing here needs torch, and planning is instant."""

from planners.choices import Choice, PartTable, choose, resolve
from planners.editing.explain import Section, explain_plan, plan_as_json
from planners.editing.overrides import set_values
from planners.editing.plan_checks import check_plan
from planners.machine import MachineProfile
from planners.plan import Configuration, CropTo, Decision, Fold, Initial, MaskOf, Plan, Preprocessing, Splits
from planners.planner import Planner, PlanRequest
from planners.presets import PLANNERS, choose_machine, make_plan

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
