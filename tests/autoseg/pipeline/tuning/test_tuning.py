"""A search from its first candidate to its outcome, on scans and networks as small as they come."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoseg.pipeline.faces import face
from autoseg.pipeline.faces.tuning_face import tune
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.tuning.records import TuningRecord
from autoseg.pipeline.tuning.searching import find_best, read_trials
from autoseg.workspace.tuning import TuningFolder
from dataset_fingerprints.errors import AutosegError, DataError, FileFormatError, PlanError, WorkspaceError
from dataset_fingerprints.files.checksums import CHECKSUM
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from tests.synthetic.commands import run, run_until
from tests.synthetic.once import make_once
from tests.synthetic.tiny import CONFIGURATION, QUICK, Tiny, copy_tiny, write_tiny

CASES, JUDGED = 22, 11
OPTIONS: dict[str, Any] = {
    "configuration": CONFIGURATION,
    "iterations": 4,
    "candidates": 4,
    "over": ("rate", "loss"),
    "score": "dice",
}


def folder_of(tiny: Tiny) -> TuningFolder:
    return tiny.workspace.tuning("default", CONFIGURATION, "0")


def make_planned(root: Path) -> None:
    """Plan a data set whose fold 0 is judged on half of its cases."""
    tiny = write_tiny(root, CASES)
    names = tiny.cases()
    face.plan_and_preprocess(
        tiny.raw,
        workspace=tiny.workspace.root,
        splits=tiny.write_splits([names[:JUDGED], names[JUDGED:]]),
        configurations=(CONFIGURATION,),
        # A patch as large as a scan: one pass predicts it.
        assignments=(*QUICK, f"{CONFIGURATION}.patch_shape=[10,10,10]"),
    )


def make_searched(root: Path) -> None:
    make_planned(root)
    tune(Tiny(root=root).workspace, 0, **OPTIONS)


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return Tiny(root=make_once(tmp_path_factory, "tuning-planned", make_planned))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return Tiny(root=make_once(tmp_path_factory, "tuning-searched", make_searched))


@pytest.fixture
def tiny(planned: Tiny, tmp_path: Path) -> Tiny:
    return copy_tiny(planned, tmp_path / "planned")


@pytest.fixture
def searched(finished: Tiny, tmp_path: Path) -> Tiny:
    return copy_tiny(finished, tmp_path / "searched")


def read_record(tiny: Tiny) -> TuningRecord:
    return read_json(folder_of(tiny).record, TuningRecord)


def forget_outcome(tiny: Tiny) -> None:
    """Leave a search as if it had been killed before its outcome was written."""
    write_json(folder_of(tiny).record, replace(read_record(tiny), outcome=None))


@pytest.mark.slow
def test_all_rungs_are_trained_on_the_inner_cases_and_everything_is_written_down(searched: Tiny) -> None:
    folder, record = folder_of(searched), read_record(searched)
    trials = read_trials(folder)
    assert [trial.candidate.number for trial in trials] == [0, 1, 2, 3]
    assert trials[0].candidate.assignments == ()
    assert sorted(len(trial.results) for trial in trials) == [1, 1, 2, 2]
    # 4 / 3 and 4 steps: the same training goes on.
    assert {(result.rung, result.iterations) for trial in trials for result in trial.results} == {(0, 1), (1, 4)}
    for trial in trials:
        begun = read_run(folder.trial(trial.candidate.number))
        assert begun is not None
        assert (begun.train_cases, begun.validation_cases) == (record.inner.train, record.inner.validation)
    best = find_best(trials)
    assert best is not None
    assert record.outcome is not None
    assert record.outcome.best == best.number
    assert all(path.is_file() for path in (folder.text, folder.table, folder.picture))
    assert len(folder.table.read_text(encoding="utf-8").splitlines()) == 5


@pytest.mark.slow
def test_the_proof_is_of_the_folds_own_cases_and_none_of_them_was_searched_on(searched: Tiny) -> None:
    folder, record = folder_of(searched), read_record(searched)
    plan, splits = read_plan(searched.workspace, "default")
    assert record.cases == splits.folds[0]
    assert not {*record.inner.train, *record.inner.validation} & set(splits.folds[0].validation)
    assert record.outcome is not None
    if record.outcome.trial is None:
        assert record.outcome.best == 0
        return
    seeds = []
    for side in ("planned", "tuned"):
        for number in range(3):
            begun = read_run(folder.proof(side, number))
            assert begun is not None
            assert (begun.train_cases, begun.validation_cases) == (record.cases.train, record.cases.validation)
            seeds.append(begun.seed - plan.seed)
    assert seeds == [0, 1, 2, 0, 1, 2]


@pytest.mark.slow
def test_given_again_it_trains_nothing_and_says_the_same(searched: Tiny) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder_of(searched).root.rglob("*.safetensors")}
    assert tune(searched.workspace, 0, **OPTIONS) == read_record(searched)
    assert {path: path.stat().st_mtime_ns for path in folder_of(searched).root.rglob("*.safetensors")} == before


@pytest.mark.slow
def test_killed_it_goes_on_and_comes_to_the_same_trials(searched: Tiny, tiny: Tiny) -> None:
    options = ("--iterations", 4, "--candidates", 4, "--over", "rate", "--over", "loss", "--score", "dice")
    arguments = ("tune", "0", "-w", tiny.workspace.root, "-c", CONFIGURATION, *options)
    code, _ = run_until("rename:trials/001/trial.json:2", *arguments)
    assert code != 0
    assert 1 <= len(read_trials(folder_of(tiny))) < 4
    tune(tiny.workspace, 0, **OPTIONS)
    there, here = (
        [(trial.candidate, [result.score for result in trial.results]) for trial in read_trials(folder_of(one))]
        for one in (searched, tiny)
    )
    assert here == there


def swap_an_inner_case(record: TuningRecord) -> TuningRecord:
    """Let the search train on a case that is to prove the gain."""
    leaking = record.cases.validation[0]
    return replace(record, inner=replace(record.inner, train=(*record.inner.train[1:], leaking)))


def swap_a_judging_case(record: TuningRecord) -> TuningRecord:
    """Let a case that was searched on prove the gain."""
    leaking = record.inner.train[0]
    return replace(record, cases=replace(record.cases, validation=(*record.cases.validation[1:], leaking)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (swap_an_inner_case, "the search's cases are divided otherwise than its seed divides them"),
        (swap_a_judging_case, "the search was begun with other cases of the fold than the plan gives it now"),
        (lambda record: replace(record, seed=7), "the search was begun with seed 7, now it is 0"),
    ],
)
def test_an_edited_state_is_refused(
    searched: Tiny, change: Callable[[TuningRecord], TuningRecord], message: str
) -> None:
    write_json(folder_of(searched).record, replace(change(read_record(searched)), outcome=None))
    with pytest.raises(WorkspaceError, match=message):
        tune(searched.workspace, 0, **OPTIONS)


@pytest.mark.slow
def test_a_state_that_is_changed_without_its_checksum_is_damaged(searched: Tiny) -> None:
    path = folder_of(searched).record
    path.write_text(path.read_text(encoding="utf-8").replace('"seed": 0', '"seed": 1'), encoding="utf-8")
    with pytest.raises(FileFormatError, match="damaged"):
        tune(searched.workspace, 0, **OPTIONS)


@pytest.mark.slow
def test_a_trial_that_was_trained_on_what_judges_it_is_refused(searched: Tiny) -> None:
    """A training of other cases is put in the place of a trial's."""
    folder, record = folder_of(searched), read_record(searched)
    forget_outcome(searched)
    trial = folder.trial(0)
    for path in (trial.run, trial.record):
        plain = json.loads(path.read_text(encoding="utf-8"))
        plain.pop(CHECKSUM)
        text = json.dumps(plain).replace(f'"{record.inner.train[0]}"', f'"{record.cases.validation[0]}"')
        path.write_text(text, encoding="utf-8")
    scores = folder.trial_record(0)
    plain = json.loads(scores.read_text(encoding="utf-8"))
    plain.pop(CHECKSUM)
    scores.write_text(json.dumps({**plain, "results": []}), encoding="utf-8")
    with pytest.raises(AutosegError, match="was begun with"):
        tune(searched.workspace, 0, **OPTIONS)


@pytest.mark.slow
def test_begun_anew_an_earlier_comparison_on_the_same_cases_is_counted(searched: Tiny) -> None:
    compared = read_record(searched).outcome
    assert compared is not None
    again = tune(searched.workspace, 0, **{**OPTIONS, "restart": True, "seed": 1, "candidates": 2})
    assert again.earlier == int(compared.trial is not None)
    assert again.outcome is not None
    if again.outcome.trial is not None:
        assert again.outcome.comparisons == 1 + again.earlier


def test_the_same_scan_on_both_sides_under_two_names_is_refused(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path, CASES)
    names = tiny.cases()
    shutil.copy(tiny.scan(names[-1]), tiny.scan(names[0]))
    tiny.plan(tiny.write_splits([names[:JUDGED], names[JUDGED:]]))
    with pytest.raises(DataError, match=f"is the same scan as {names[-1]}"):
        tune(tiny.workspace, 0, **OPTIONS)
    assert not list(folder_of(tiny).trials.glob("*"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fold": "full"}, "leaves none to prove a gain on"),
        ({"fold": 7}, "There is no fold '7'"),
        ({"iterations": None}, "--hours, or the steps of trainings"),
        ({"hours": -1.0}, "--hours is -1. Expected more than 0"),
        ({"candidates": 1}, "--candidates is 1. Expected 2 to 1000"),
        ({"over": "depth"}, "--over depth: nothing of that name is searched"),
        ({"configuration": "4d"}, "has no configuration '4d'"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(
    planned: Tiny, changes: dict[str, Any], message: str
) -> None:
    options = {**OPTIONS, **changes}
    with pytest.raises(PlanError, match=message):
        tune(planned.workspace, options.pop("fold", 0), **options)
    assert not (planned.workspace.root / "tuning").exists()


@pytest.mark.slow
def test_the_command_shows_all_trials_and_the_outcome(
    searched: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--iterations", 4, "--candidates", 4, "--over", "rate", "--over", "loss", "--score", "dice")
    assert run(monkeypatch, "tune", "0", "-w", searched.workspace.root, "-c", CONFIGURATION, *options) == 0
    said = capsys.readouterr().out
    assert "rate times 3" in said
    assert "as planned" in said
    assert "Nothing found" in said or "Found" in said
    assert "trials.csv" in said
