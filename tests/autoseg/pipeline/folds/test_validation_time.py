"""Validation within the minutes of a training: cheaper where they are few, of every case whatever they are."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from autoseg.pipeline.folds.jobs import Job, TrainingOptions, resolve_job
from autoseg.pipeline.folds.validation_time import ValidationTime
from autoseg.prediction import list_efforts
from autoseg.preprocessing import Store
from autoseg.training.record import read_record
from autoseg.workspace.workspace import Workspace
from tests.synthetic.commands import run


@pytest.fixture(scope="module")
def job(trained: Path) -> Job:
    return resolve_job(Workspace(root=trained / "ws"), "0", TrainingOptions())


def test_the_way_to_predict_is_the_best_that_fits_and_else_the_cheapest(job: Job) -> None:
    time, cases = ValidationTime(inputs=job.inputs, configuration=job.configuration), job.cases.validation
    efforts = list(list_efforts(job.configuration.prediction))
    seconds = [time.predict_final(cases, 1.0, effort) for effort in efforts]
    assert seconds == sorted(seconds, reverse=True)
    assert time.choose_final(cases, 1.0, None) == efforts[0]
    for effort, needed in zip(efforts, seconds, strict=True):
        assert time.predict_final(cases, 1.0, time.choose_final(cases, 1.0, needed)) <= needed
        assert time.choose_final(cases, 1.0, needed * 1.001) in efforts[: efforts.index(effort) + 1]
    assert time.choose_final(cases, 1.0, 0.0) == efforts[-1]


def test_a_look_during_training_costs_less_and_grows_with_the_cases(job: Job) -> None:
    time, cases = ValidationTime(inputs=job.inputs, configuration=job.configuration), job.cases.validation
    assert 0 < time.predict_round(cases, 1.0) < time.predict_final(cases, 1.0, job.configuration.prediction)
    assert time.predict_round(cases[:1], 1.0) < time.predict_round(cases, 1.0)
    assert time.predict_round((), 1.0) == 0


def test_a_training_that_asks_at_each_report_reads_each_case_once(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    read = Store.read_record
    monkeypatch.setattr(Store, "read_record", lambda store, case: reads.append(case) or read(store, case))
    time, cases = ValidationTime(inputs=job.inputs, configuration=job.configuration), job.cases.validation
    for tile_seconds in (1.0, 0.5, 2.0):
        time.choose_final(cases, tile_seconds, 0.0)
    assert sorted(reads) == sorted(cases)


def test_seconds_that_hold_next_to_nothing_still_validate_every_case_and_say_how(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained / "ws", tmp_path / "ws")
    workspace = Workspace(root=tmp_path / "ws")
    assert run(monkeypatch, "train", "1", "-w", workspace.root, "--restart", "--max-minutes", "0.0001") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"Only \d+ steps? fits? into the time: expect poor masks.", said)
    assert "Validating so that the time is kept: no flips, tiles overlap by 0%." in said
    (fold,) = [folder for folder in workspace.folds("default", "3d_fullres") if folder.root.name == "fold_1"]
    record = read_record(fold)
    assert record is not None
    assert record.status == "finished"
    assert record.final_prediction is not None
    assert record.final_prediction.mirror_axes == ()
    assert all(fold.validation.case_record(case).is_file() for case in record.validation_cases)
