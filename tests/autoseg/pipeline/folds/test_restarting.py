"""A fold that is begun anew, and what a kill on the way leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.evaluation import read_evaluation
from autoseg.pipeline.folds.job_file import read_job, write_job
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.needs import Need
from autoseg.pipeline.folds.restarting import finish_restart, remove, restart
from autoseg.pipeline.folds.runs import read_run
from dataset_fingerprints.files.jsonfiles import write_json
from tests.synthetic.tiny import CONFIGURATION, Tiny


def test_a_restart_keeps_locks_logs_and_jobs_and_its_job_goes_on_when_it_is_started_again(tiny: Tiny) -> None:
    fold, run = tiny.fold(), read_run(tiny.fold())
    assert run is not None
    fold.log.touch()
    path = write_job(tiny.workspace, CONFIGURATION, "0", TrainingOptions(restart=True, iterations=7))
    restart(fold, replace(run, seed=5))
    assert {path.name for path in fold.root.iterdir()} == {"run.json", "job.json", "train.log", ".lock"}
    assert read_run(fold) == replace(run, seed=5)
    assert read_job(path)[1].options == TrainingOptions(configuration=CONFIGURATION, restart=False, iterations=7)


@pytest.mark.parametrize("removed", range(8))
def test_a_restart_that_was_killed_is_finished_and_never_counts_as_trained(tiny: Tiny, removed: int) -> None:
    fold, run = tiny.fold(), read_run(tiny.fold())
    assert run is not None
    write_json(fold.restart, replace(run, seed=5))
    for path in fold.training_files()[:removed]:
        remove(path)
    assert not Need(configuration=CONFIGURATION, fold="0", validated=False).is_met(fold)
    assert not resolve_job(tiny.workspace, "0", TrainingOptions(configuration=CONFIGURATION)).is_finished()
    now = read_run(fold)
    assert now is not None
    assert now.seed == 5
    finish_restart(fold)
    assert not any(path.exists() for path in fold.training_files())
    assert read_run(fold) == now


def test_a_killed_restart_goes_on_when_the_fold_is_trained_again(tiny: Tiny) -> None:
    fold, run = tiny.fold(), read_run(tiny.fold())
    assert run is not None
    before = read_evaluation(fold.validation.metrics)
    write_json(fold.restart, run)
    fold.record.unlink()
    tiny.train(0)
    assert not fold.restart.exists()
    assert read_evaluation(fold.validation.metrics) == before, "the same seed and cases give the same weights"


def test_a_link_is_removed_and_what_it_points_to_stays(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mask").touch()
    (tmp_path / "validation").symlink_to(tmp_path / "elsewhere")
    remove(tmp_path / "validation")
    assert not (tmp_path / "validation").is_symlink()
    assert (tmp_path / "elsewhere" / "mask").is_file()
    remove(tmp_path / "nothing")


def test_a_damaged_job_file_keeps_no_fold_from_being_begun_anew(tiny: Tiny) -> None:
    fold, run = tiny.fold(), read_run(tiny.fold())
    assert run is not None
    fold.job.write_text("{", encoding="utf-8")
    restart(fold, replace(run, seed=5))
    assert read_run(fold) == replace(run, seed=5)
    assert not fold.weight_files()
