"""Timing steps in turns, with real processes on a small data set."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dataset_fingerprints.errors import AutosegError
from experiments.costs.steps import (
    TRAINER,
    UNCHANGED,
    Contender,
    Entry,
    StepPlan,
    enter_ours,
    plan_ours,
    show,
    start,
    time_steps,
)
from tests.synthetic.scans import write_nnunet_dataset

BARE = ("bare-bfloat16-first-eager", "bare-float32-last-eager")
ANSWERING = """
import json, os, sys
print('a library says hello')
print(json.dumps({"said": sorted(os.sched_getaffinity(0))}), flush=True)
for line in sys.stdin:
    print(json.dumps([float(line)] * int(line)), flush=True)
"""


@pytest.mark.filterwarnings("ignore:This process")
def test_a_contender_answers_on_the_cores_that_it_may_use() -> None:
    contender = start(Entry(name="it", command=(sys.executable, "-c", ANSWERING)), cores=1)
    assert contender.said == str(sorted(os.sched_getaffinity(0))[:1])
    assert contender.take_turn(3) == [3.0, 3.0, 3.0]
    contender.end()
    assert contender.process.returncode < 0


@pytest.mark.filterwarnings("ignore:This process")
def test_a_contender_that_ends_is_reported_by_its_name() -> None:
    with pytest.raises(AutosegError, match="it: ended with exit code 7"):
        start(Entry(name="it", command=(sys.executable, "-c", "exit(7)")))


def test_medians_are_set_against_ours() -> None:
    ours = Contender(name="ours", process=None, seconds=[1.0, 2.0, 9.0])  # type: ignore[arg-type]
    theirs = Contender(name="theirs", process=None, seconds=[4.0, 4.5], said="hello")  # type: ignore[arg-type]
    assert show([ours, theirs], "ours", "theirs") == [
        ("ours", "2", "1 to 9", "3", "1.00", "2.12", ""),
        ("theirs", "4.25", "4 to 4.5", "2", "0.47", "1.00", "hello"),
    ]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:This process")
def test_the_trainer_and_the_bare_network_step_in_turns(tmp_path: Path) -> None:
    data = write_nnunet_dataset(tmp_path / "data", 5)
    plan_ours(data, tmp_path / "workspace", StepPlan(patch_shape=(8, 16, 8), batch_size=2, features=(4, 8)))
    contenders = time_steps(enter_ours(tmp_path / "workspace", (TRAINER, UNCHANGED, *BARE)), turns=2, cores=1)
    assert [contender.name for contender in contenders] == [TRAINER, UNCHANGED, *BARE]
    assert all(len(contender.seconds) == 4 and min(contender.seconds) > 0 for contender in contenders)
    assert all("compiled" in contender.said or "compiling" in contender.said for contender in contenders[:2])
    assert all(contender.process.poll() is not None for contender in contenders)
