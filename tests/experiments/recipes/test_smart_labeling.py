"""The recipe smart_labeling, beside what its source says (sections 3.4 and 4.2 of the thesis)."""

from __future__ import annotations

import re
from dataclasses import replace

from dataset_fingerprints.publications import expand, read_published
from experiments.recipes import amc_kidney
from experiments.recipes.smart_labeling import INITIAL, NAME, SAVED, SMART_LABELING
from planners.plan import Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.synthetic.machines import GPU

FINGERPRINT = expand(read_published("atlas_r2_mni"))


def make(planner: str) -> Plan:
    return make_plan(FINGERPRINT, PlanRequest(machine=GPU, memory_gb=11.0, planner=planner))


def test_stage_one_trains_150_epochs_and_the_others_300_of_all_labelled_cases() -> None:
    """Source: `In stage I, five subclasses`; batches of one case."""
    for recipe, epochs in ((INITIAL, 150), (SMART_LABELING, 300)):
        plan = make(recipe.name)
        assert {entry.training.iterations for entry in plan.configurations} == {epochs * len(FINGERPRINT.cases)}
        assert {entry.batch_size for entry in plan.configurations} == {1}


def test_both_stages_are_the_cascade_of_kidneys_but_for_their_length() -> None:
    cascade = make(amc_kidney.NAME)
    for name in (INITIAL.name, NAME):
        own = make(name)
        lengths = [entry.training.iterations for entry in cascade.configurations]
        same = tuple(
            replace(entry, training=replace(entry.training, iterations=steps))
            for entry, steps in zip(own.configurations, lengths, strict=True)
        )
        assert same == cascade.configurations
        assert {entry.training.optimizer.options["lr"] for entry in own.configurations} == {1e-5}
        assert {entry.training.loss.name for entry in own.configurations} == {"dice"}


def test_the_minutes_that_were_saved_add_up_to_76() -> None:
    """Source: `with an overall segmentation time`."""
    parts = [re.fullmatch(r"(\d+):(\d\d)", text) for text in SAVED.values()]
    assert sum(60 * int(part[1]) + int(part[2]) for part in parts if part) == 76 * 60
    assert any(figure.value.startswith("76:00") for figure in SMART_LABELING.published)
