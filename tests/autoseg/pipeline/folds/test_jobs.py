"""Folds to train, resolved."""

from __future__ import annotations

import shutil

import pytest

from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job, resolve_jobs
from autoseg.pipeline.folds.slots import training_bytes
from dataset_fingerprints.errors import PlanError, WorkspaceError
from tests.synthetic.records import noting_records
from tests.synthetic.tiny import CONFIGURATION, Tiny

OPTIONS = TrainingOptions(configuration=CONFIGURATION)
FOLDS = ("0", "1", "2", "3", "4", "full")


def test_the_records_of_preprocessed_cases_are_read_once_for_all_folds(finished: Tiny) -> None:
    with noting_records() as names:
        jobs = tuple(resolve_jobs(finished.workspace, FOLDS, OPTIONS))
        assert [job.is_finished() for job in jobs] == [True, *[False] * 5]
        assert len({training_bytes(job) for job in jobs}) == 2
        assert len(jobs[1].make_run(None).train) == 4
    assert sorted(names) == [f"{case}.json" for case in finished.cases()]
    for fold, job in zip(FOLDS, jobs, strict=True):
        assert job == resolve_job(finished.workspace, fold, OPTIONS)


def test_each_fold_is_resolved_when_it_is_asked_for(tiny: Tiny) -> None:
    jobs = resolve_jobs(tiny.workspace, ("0", "1", "7"), OPTIONS)
    assert next(jobs).is_finished()
    case = next(jobs).cases.validation[0]
    with pytest.raises(PlanError, match="There is no fold '7'"):
        next(jobs)
    jobs = resolve_jobs(tiny.workspace, ("0", "1"), OPTIONS)
    store = next(jobs).inputs.store
    store.folder.record(case).unlink()
    with pytest.raises(WorkspaceError, match=rf"1 cases are not preprocessed for {CONFIGURATION}.*{case}"):
        next(jobs)


def test_a_case_that_is_preprocessed_again_after_a_fold_was_resolved_is_read_again(tiny: Tiny) -> None:
    job = resolve_job(tiny.workspace, "1", OPTIONS)
    case, before = job.cases.train[0], job.make_run(None)
    shutil.copy(tiny.scan(job.cases.train[1]), tiny.scan(case))
    tiny.plan()
    after = job.make_run(None)
    assert after.train[0].sha256[0] == before.train[1].sha256[0] != before.train[0].sha256[0]
    assert (after.train[1:], after.validation) == (before.train[1:], before.validation)
