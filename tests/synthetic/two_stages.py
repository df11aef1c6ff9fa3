"""A tiny data set with two configurations, of which the second starts from the weights of the first."""

from __future__ import annotations

from dataclasses import replace

from autoseg.pipeline.plans.reading import read_plan
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.files.jsonfiles import write_json
from planners.order import find_configuration
from planners.plan import Plan
from planners.stage_inputs import Initial
from tests.synthetic.tiny import CONFIGURATION, Tiny

FIRST, SECOND = "first", "second"


def plan_stages(tiny: Tiny) -> Plan:
    """Plan and preprocess, and return the plan, which has these two configurations alone."""
    tiny.plan()
    plan, _ = read_plan(tiny.workspace, "default")
    basis = find_configuration(plan.configurations, CONFIGURATION, "the plan")
    first = replace(basis, name=FIRST)
    second = replace(basis, name=SECOND, initial=Initial(configuration=FIRST))
    staged = replace(plan, configurations=(first, second), default_configuration=SECOND)
    write_json(tiny.workspace.plan("default"), staged)
    return staged


def stage(tiny: Tiny, name: str) -> FoldFolder:
    """Return the folder of fold 0 of one of the two."""
    return tiny.workspace.fold("default", name, "0")
