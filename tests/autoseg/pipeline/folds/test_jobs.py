"""Folds to train, resolved; a finished fold needs nothing but itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from autoseg.pipeline.faces import model_face
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job, resolve_jobs
from autoseg.pipeline.folds.slots import training_bytes
from dataset_fingerprints.errors import PlanError, WorkspaceError
from tests.synthetic.commands import run
from tests.synthetic.records import noting_records
from tests.synthetic.tiny import CONFIGURATION, Tiny

OPTIONS = TrainingOptions(configuration=CONFIGURATION)
FOLDS = ("0", "1", "2", "3", "4", "full")


def remove_arrays(tiny: Tiny) -> None:
    shutil.rmtree(tiny.workspace.root / "preprocessed")


def remove_voxels(tiny: Tiny) -> None:
    for path in (tiny.workspace.root / "preprocessed").rglob("*.b2nd"):
        path.unlink()


def remove_raw_data_too(tiny: Tiny) -> None:
    remove_arrays(tiny)
    shutil.rmtree(tiny.raw / "imagesTr")


@pytest.mark.parametrize("change", [remove_arrays, remove_voxels, remove_raw_data_too])
def test_a_finished_fold_is_finished_without_its_arrays(
    tiny: Tiny,
    change: Callable[[Tiny], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    change(tiny)
    before = tiny.contents()
    assert run(monkeypatch, "train", "0", "-c", CONFIGURATION, "-w", tiny.workspace.root) == 0
    assert "Fold 0 is finished." in capsys.readouterr().out
    assert tiny.contents() == before


def test_it_predicts_without_them(tiny: Tiny) -> None:
    remove_arrays(tiny)
    assert len(model_face.predict(tiny.scan("case_0"), tiny.root / "masks", tiny.workspace)) == 1


@pytest.mark.parametrize(
    ("fold", "options"),
    [(0, {"iterations": 9}), (0, {"restart": True}), (1, {}), ("full", {})],
    ids=["longer", "anew", "another", "all cases"],
)
def test_what_is_still_to_be_trained_needs_them(tiny: Tiny, fold: int | str, options: dict[str, object]) -> None:
    remove_arrays(tiny)
    before = tiny.contents()
    with pytest.raises(WorkspaceError, match=r"5 cases are not preprocessed for 3d_fullres.*autoseg plan_and"):
        tiny.train(fold, **options)
    assert tiny.contents() == before


def test_a_fold_whose_validation_is_gone_needs_them(tiny: Tiny) -> None:
    shutil.rmtree(tiny.fold(0).validation.root)
    for path in (tiny.workspace.root / "preprocessed").rglob("case_1.*"):
        path.unlink()
    with pytest.raises(WorkspaceError, match=r"1 case is not preprocessed for 3d_fullres"):
        tiny.train(0)


def test_a_finished_fold_of_other_labels_is_still_told_apart(tiny: Tiny) -> None:
    tiny.relabel("case_1", 99)
    tiny.plan()
    remove_arrays(tiny)
    with pytest.raises(WorkspaceError, match=r"another content of case_1 \(in case_1: label map\)"):
        tiny.train(0)


def test_a_model_of_all_cases_is_finished_too(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.train("full")
    remove_arrays(tiny)
    before = tiny.contents()
    assert run(monkeypatch, "train", "full", "-c", CONFIGURATION, "-w", tiny.workspace.root) == 0
    assert "The model of all cases of 3d_fullres is finished." in capsys.readouterr().out
    assert tiny.contents() == before


def test_folds_at_once_are_for_several_folds(tiny: Tiny) -> None:
    before = tiny.contents()
    with pytest.raises(PlanError, match=r"--jobs says how many folds.*fold 1 is one"):
        tiny.train(1, folds_at_once=2)
    assert tiny.contents() == before


def test_the_records_of_preprocessed_cases_are_read_once_for_all_folds(finished: Tiny) -> None:
    with noting_records() as names:
        jobs = tuple(resolve_jobs(finished.workspace, FOLDS, OPTIONS))
        assert [job.is_finished() for job in jobs] == [True, *[False] * 5]
        assert len({training_bytes(job, bfloat16=True) for job in jobs}) == 2
        assert len(jobs[1].make_run(None).train_cases) == 4
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
    with pytest.raises(WorkspaceError, match=rf"1 case is not preprocessed for {CONFIGURATION}.*{case}"):
        next(jobs)


def test_a_case_that_is_preprocessed_again_after_a_fold_was_resolved_is_read_again(tiny: Tiny) -> None:
    job = resolve_job(tiny.workspace, "1", OPTIONS)
    case, before = job.cases.train[0], job.make_run(None)
    shutil.copy(tiny.scan(job.cases.train[1]), tiny.scan(case))
    tiny.plan()
    after = job.make_run(None)
    assert after.contents[0].sha256[0] == before.contents[1].sha256[0] != before.contents[0].sha256[0]
    assert after.contents[1:] == before.contents[1:]
