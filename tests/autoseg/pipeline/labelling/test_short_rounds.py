"""A round of few steps is told of, whose ranking of scans is worth little; one of many is not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.labelling.short_rounds import describe_short_round
from autoseg.pipeline.plans.reading import read_plan
from autoseg.training.policy import Policy
from autoseg.training.record import read_record
from dataset_fingerprints.files.jsonfiles import write_json
from tests.autoseg.pipeline.labelling.loops import choose
from tests.synthetic.tiny import Tiny

FEW = Policy().few_steps


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (1, "The model of round 1 was trained for 1 step only"),
        (FEW - 1, f"was trained for {FEW - 1} steps only"),
        (FEW, ""),
    ],
)
def test_only_a_round_of_few_steps_is_told_of(tiny: Tiny, tmp_path: Path, steps: int, said: str) -> None:
    made = choose(tmp_path)
    workspace = made.loop.round(1).workspace
    shutil.copytree(tiny.workspace.root, workspace.root, dirs_exist_ok=True)
    (folder,) = workspace.folds("default", read_plan(workspace, "default")[0].default_configuration)
    record = read_record(folder)
    assert record is not None
    write_json(folder.record, replace(record, iterations=steps, seconds=60.0))
    with made.open() as found:
        own = found.loop.current()
        found.keep(found.loop.with_round(replace(own, training=replace(own.training, configuration=None, fold="0"))))
        told = describe_short_round(found)
    assert said in told if said else told == ""
    assert ("`autoseg label train --max-minutes" in told) == bool(said)
