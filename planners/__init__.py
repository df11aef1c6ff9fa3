"""Turning what was measured of a data set into a plan; nothing here needs torch, and planning is instant."""

from planners.choices import Choice, resolve
from planners.editing.explain import Section, explain_plan, plan_as_json
from planners.editing.overrides import set_values
from planners.editing.plan_checks import check_plan
from planners.machine import MachineProfile
from planners.plan import Configuration, Decision, Fold, Plan, Preprocessing, Splits, Topology
from planners.planner import PlanRequest, choose_machine, make_plan
from planners.presets import PLANNERS
from planners.rules.normalization import NORMALIZATIONS

__all__ = [
    "NORMALIZATIONS",
    "PLANNERS",
    "Choice",
    "Configuration",
    "Decision",
    "Fold",
    "MachineProfile",
    "Plan",
    "PlanRequest",
    "Preprocessing",
    "Section",
    "Splits",
    "Topology",
    "check_plan",
    "choose_machine",
    "explain_plan",
    "make_plan",
    "plan_as_json",
    "resolve",
    "set_values",
]
