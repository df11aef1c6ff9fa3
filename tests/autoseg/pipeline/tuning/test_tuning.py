"""A search from its first candidate to its outcome, on scans and networks as small as they come."""

from __future__ import annotations

import errno
import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoseg import processes
from autoseg.pipeline.faces import face
from autoseg.pipeline.faces.tuning_face import tune
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.tuning import schedule, searching, tuning
from autoseg.pipeline.tuning.records import Candidate, TrialRecord, TuningRecord
from autoseg.pipeline.tuning.schedule import LEAST_PAIRS
from autoseg.pipeline.tuning.searching import rank, read_trials
from autoseg.pipeline.tuning.taking import write_tuned_plan
from autoseg.progress import SilentProgress
from autoseg.workspace import locks
from autoseg.workspace.locks import locked
from autoseg.workspace.tuning import TuningFolder
from dataset_fingerprints.errors import (
    AutosegError,
    DataError,
    FileFormatError,
    PlanError,
    WorkspaceError,
)
from dataset_fingerprints.files.checksums import CHECKSUM
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from planners.editing.alternatives import vary
from tests.synthetic.commands import run, run_until
from tests.synthetic.once import make_once
from tests.synthetic.tiny import CONFIGURATION, QUICK, Tiny, copy_tiny, write_tiny

CASES, JUDGED = 22, 11
# Trainings by each side of the proof: one more than it needs.
PAIRS = LEAST_PAIRS + 1
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


def find_best_other(trials: tuple[TrialRecord, ...]) -> Candidate:
    """Return the best candidate that is not the plan as it is, so that there is a proof whatever the scores are."""
    longest = max(result.rung for trial in trials for result in trial.results)
    return next(trial.candidate for trial in rank(trials, longest) if trial.candidate.number)


def make_searched(root: Path) -> None:
    make_planned(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "PAIRS", PAIRS)
        patch.setattr(tuning, "find_best", find_best_other)
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
    assert record.outcome is not None
    assert record.outcome.best == find_best_other(trials).number
    assert all(path.is_file() for path in (folder.text, folder.table, folder.picture))
    # Nothing large of the candidates stays.
    assert not list(folder.trials.rglob("*.safetensors"))
    assert not list(folder.trials.rglob("validation"))
    assert len(folder.table.read_text(encoding="utf-8").splitlines()) == 5


@pytest.mark.slow
def test_the_proof_is_of_the_folds_own_cases_and_none_of_them_was_searched_on(searched: Tiny) -> None:
    folder, record = folder_of(searched), read_record(searched)
    plan, splits = read_plan(searched.workspace, "default")
    assert record.cases == splits.folds[0]
    assert not {*record.inner.train, *record.inner.validation} & set(splits.folds[0].validation)
    assert record.outcome is not None
    assert record.outcome.trial is not None
    assert (record.outcome.pairs, record.outcome.subjects) == (PAIRS, JUDGED)
    seeds = []
    for side in ("planned", "tuned"):
        for number in range(PAIRS):
            begun = read_run(folder.proof(side, number))
            assert begun is not None
            assert (begun.train_cases, begun.validation_cases) == (record.cases.train, record.cases.validation)
            seeds.append(begun.seed - plan.seed)
    assert seeds == 2 * list(range(PAIRS))


@pytest.mark.slow
def test_a_proof_that_was_killed_at_its_end_is_of_all_trainings_though_its_time_is_over(
    searched: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_record(searched)
    late = replace(before.schedule, seconds=0.001, search_seconds=0.001)
    write_json(folder_of(searched).record, replace(before, schedule=late, outcome=None))
    monkeypatch.setattr(tuning, "find_best", find_best_other)
    assert tune(searched.workspace, 0, **OPTIONS).outcome == before.outcome


@pytest.mark.slow
def test_a_proven_candidate_becomes_a_plan_of_the_same_folds_with_the_evidence(searched: Tiny) -> None:
    record, (plan, splits) = read_record(searched), read_plan(searched.workspace, "default")
    assert record.outcome is not None
    assert record.outcome.trial is not None
    taken = replace(record.outcome, trial=replace(record.outcome.trial, taken=True))
    assert write_tuned_plan(searched.workspace, plan, splits, record, taken) == "default-tuned"
    tuned, folds = read_plan(searched.workspace, "default-tuned")
    assert folds == splits
    assert tuned.configurations == vary(plan, CONFIGURATION, taken.assignments)[0].configurations
    assert tuned.configurations != plan.configurations
    assert tuned.decisions[0].field == "tuning"
    changed = {assignment.partition("=")[0] for assignment in taken.assignments}
    assert {entry.field for entry in tuned.decisions if "Found by `autoseg tune` on fold 0" in entry.rule} == changed
    # Killed before the outcome was written, and of another proof.
    assert write_tuned_plan(searched.workspace, plan, splits, record, taken) == "default-tuned"
    other = replace(taken, subjects=JUDGED - 1)
    assert write_tuned_plan(searched.workspace, plan, splits, record, other) == "default-tuned-2"


@pytest.mark.slow
def test_given_again_it_trains_nothing_and_says_the_same(searched: Tiny) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder_of(searched).root.rglob("*.safetensors")}
    assert tune(searched.workspace, 0, **OPTIONS) == read_record(searched)
    assert {path: path.stat().st_mtime_ns for path in folder_of(searched).root.rglob("*.safetensors")} == before
    # So is one of a time that is too short for a new one.
    write_json(folder_of(searched).record, replace(read_record(searched), hours=0.05, iterations=None))
    assert tune(searched.workspace, 0, **OPTIONS | {"hours": 0.05, "iterations": None}) == read_record(searched)
    with pytest.raises(PlanError, match="too short for a search"):
        tune(searched.workspace, 0, **OPTIONS | {"hours": 0.05, "iterations": None, "restart": True})


@pytest.mark.slow
def test_killed_it_goes_on_and_comes_to_the_same_trials(searched: Tiny, tiny: Tiny) -> None:
    options = ("--iterations", 4, "--candidates", 4, "--over", "rate", "--over", "loss", "--score", "dice")
    arguments = ("tune", "0", "-w", tiny.workspace.root, "-c", CONFIGURATION, *options)
    code, _ = run_until("rename:trials/001/trial.json:2", *arguments)
    assert code == -signal.SIGKILL
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
    # As it is before the search has ended.
    trial.checkpoint.touch()
    scores = folder.trial_record(0)
    plain = json.loads(scores.read_text(encoding="utf-8"))
    plain.pop(CHECKSUM)
    scores.write_text(json.dumps({**plain, "results": []}), encoding="utf-8")
    with pytest.raises(AutosegError, match="was begun with"):
        tune(searched.workspace, 0, **OPTIONS)


@pytest.mark.slow
def test_begun_anew_an_earlier_comparison_on_the_same_cases_is_counted(
    searched: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "PAIRS", 1)
    monkeypatch.setattr(tuning, "find_best", find_best_other)
    again = tune(searched.workspace, 0, **{**OPTIONS, "restart": True, "seed": 1, "candidates": 2})
    assert again.earlier == 1
    assert again.outcome is not None
    assert (again.outcome.comparisons, again.outcome.pairs) == (2, 1)


@pytest.mark.slow
def test_a_search_that_was_begun_anew_and_stopped_says_to_leave_that_out(tiny: Tiny) -> None:
    options = ("--iterations", 4, "--candidates", 2, "--over", "rate", "--restart")
    arguments = ("tune", "0", "-w", tiny.workspace.root, "-c", CONFIGURATION, *options)
    code, said = run_until("step::2", *arguments, number=signal.SIGTERM)
    assert code == 143
    assert "Leave out --restart then." in " ".join(said.split())


class Listener(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def test_before_anything_is_trained_it_says_what_judges_and_what_cannot_be_proven(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "_run", lambda bench, folder, record, *rest: record)
    listener = Listener()
    tune(tiny.workspace, 0, **OPTIONS, progress=listener)
    said = " ".join(listener.said)
    assert f"Proof on the {JUDGED} cases of {JUDGED} subjects of fold 0. A gain below about 0.0" in said
    assert "Candidates are trained on" in said


def test_while_another_process_searches_a_second_one_is_refused_before_anything_is_read(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("is read already")

    monkeypatch.setattr(tuning, "resolve_job", refuse)
    with (
        locked(folder_of(tiny).root, "a search"),
        pytest.raises(WorkspaceError, match="another process is at work on the search on fold 0"),
    ):
        tune(tiny.workspace, 0, **OPTIONS)


def test_where_nothing_can_be_written_the_workspace_is_to_be_copied(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(locks, "open_to_write", refuse)
    with pytest.raises(WorkspaceError, match=r"\(Read-only file system\)\. A search writes into .* copy"):
        tune(tiny.workspace, 0, **OPTIONS)


def test_under_torchrun_nothing_is_searched(planned: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count", lambda: 2)
    with pytest.raises(PlanError, match="without torchrun"):
        tune(planned.workspace, 0, **OPTIONS)


def test_where_nothing_can_be_varied_nothing_is_trained(planned: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "list_alternatives", lambda *_: {})
    with pytest.raises(PlanError, match=r"has no alternative of what is to be varied \(rate, loss\)"):
        tune(planned.workspace, 0, **OPTIONS)
    assert not (planned.workspace.root / "tuning").exists()


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
        ({"fold": 7}, "There is no fold '7'. A search is on one fold: give one of 0, 1"),
        ({"fold": "all"}, "There is no fold 'all'"),
        ({"iterations": None, "hours": 0.0001}, "too short for a search"),
        ({"iterations": None}, "--hours, or the steps of trainings"),
        ({"hours": -1.0}, "--hours is -1. Expected more than 0"),
        ({"candidates": 1}, "--candidates is 1. Expected 2 to 1000"),
        ({"over": "patch,rate"}, "--over patch,rate: takes one name .* Give --over patch --over rate"),
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
