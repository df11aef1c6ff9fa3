"""Planning again where folds are begun."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from autoseg.pipeline.folds.raw_files import remark_on_cases
from autoseg.pipeline.plans.reading import read_plan
from dataset_fingerprints.errors import WorkspaceError
from planners.plan import Splits
from tests.synthetic.commands import run
from tests.synthetic.tiny import CONFIGURATION, Tiny


def splits_of(tiny: Tiny, plan: str = "default") -> Splits:
    return read_plan(tiny.workspace, plan)[1]


def add(tiny: Tiny) -> None:
    tiny.add("case_9", 9)


def remove(tiny: Tiny) -> None:
    tiny.remove("case_1")


def rename(tiny: Tiny) -> None:
    tiny.label("case_1").rename(tiny.label("case_8"))
    tiny.scan("case_1").rename(tiny.scan("case_8"))


@pytest.mark.parametrize("change", [add, remove, rename])
def test_other_cases_are_not_planned_over_begun_folds(tiny: Tiny, change: Callable[[Tiny], None]) -> None:
    before = tiny.contents()
    change(tiny)
    with pytest.raises(WorkspaceError) as refused:
        tiny.plan()
    said = str(refused.value)
    for expected in ("3d_fullres, fold 0", "--plan-name", str(tiny.workspace.root / "models" / "default")):
        assert expected in said
    assert tiny.contents() == before


def test_they_are_planned_under_another_name_beside_them(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tiny.contents()
    tiny.add("case_9", 9)
    tiny.plan(plan_name="more")
    after = tiny.contents()
    assert {path: after[path] for path in before} == before
    assert splits_of(tiny, "more").cases() == tiny.cases()
    # The folds that were begun stay as they are, and say what they leave out.
    assert run(monkeypatch, "train", "0", "-c", CONFIGURATION, "-w", tiny.workspace.root) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "The data set has 1 other case, which plan default lacks (case_9)" in said
    assert "Fold 0 is finished." in said


def test_cases_of_a_planning_that_was_refused_are_not_forgotten(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.add("case_9", 9)
    with pytest.raises(WorkspaceError, match="Nothing of the plan is changed"):
        tiny.plan()
    assert run(monkeypatch, "train", "0", "-c", CONFIGURATION, "-w", tiny.workspace.root) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "The data set has 1 other case, which plan default lacks (case_9)" in said


@pytest.mark.parametrize(
    ("removed", "named"),
    [(["case_1"], "case_1: the raw files are gone"), (["case_0", "case_1"], "case_0, case_1: the raw files"), ([], "")],
)
def test_a_fold_names_its_cases_that_are_gone_unless_all_are(
    tiny: Tiny, removed: list[str], named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for case in removed or tiny.cases():
        tiny.remove(case)
    assert run(monkeypatch, "train", "0", "-c", CONFIGURATION, "-w", tiny.workspace.root) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert ("the raw files are gone" in said) == bool(removed)
    assert named in said


def test_other_splits_are_not_planned_over_begun_folds_but_the_same_are(tiny: Tiny) -> None:
    before, splits = tiny.contents(), splits_of(tiny)
    held = [list(fold.validation) for fold in splits.folds]
    with pytest.raises(WorkspaceError, match="fold 0 would be judged on"):
        tiny.plan(tiny.write_splits(held[1:] + held[:1]))
    with pytest.raises(WorkspaceError, match="Nothing of the plan is changed"):
        tiny.plan(tiny.write_splits([held[0] + held[1], *held[2:]]))
    assert tiny.contents() == before
    # Fold 0 stays what it is; the others are not begun.
    tiny.plan(tiny.write_splits([held[0], held[1] + held[2], held[3] + held[4]]))
    assert splits_of(tiny).folds[0] == splits.folds[0]
    assert len(splits_of(tiny).folds) == 3


def test_a_relabelled_case_leaves_the_split_as_it_is(tiny: Tiny) -> None:
    splits = splits_of(tiny)
    for number, case in enumerate(tiny.cases()):
        tiny.relabel(case, 20 + number)
    tiny.plan()
    assert splits_of(tiny).folds == splits.folds


def test_splits_of_ones_own_stay_where_planning_is_repeated_without_them(tiny: Tiny) -> None:
    shutil.rmtree(tiny.workspace.models("default"))
    cases = tiny.cases()
    tiny.plan(tiny.write_splits([cases[:2], cases[2:]]))
    chosen = splits_of(tiny)
    assert len(chosen.folds) == 2
    tiny.train(1)
    tiny.plan()
    assert splits_of(tiny) == chosen


def test_without_begun_folds_everything_is_planned_anew(tiny: Tiny) -> None:
    shutil.rmtree(tiny.workspace.models("default"))
    tiny.add("case_9", 9)
    tiny.plan()
    assert splits_of(tiny).cases() == tiny.cases()


def test_cases_that_a_plan_has_and_one_of_its_folds_does_not_train_on_are_not_said_to_be_lacking(
    finished: Tiny,
) -> None:
    assert list(remark_on_cases(finished.workspace, "default", finished.cases()[:2])) == []
