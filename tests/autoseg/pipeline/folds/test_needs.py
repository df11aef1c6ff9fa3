"""The folds of other configurations that have to be there, at any depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.needs import Need, find_lacking, list_needs, refuse_lacking, refuse_others_cases
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.plans.reading import read_plan
from autoseg.training.checkpoint import load_tensors, save_tensors
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from planners.plan import Plan, Splits
from planners.run import Run
from planners.stage_inputs import CropTo, Initial, MaskOf
from tests.synthetic.tiny import CONFIGURATION, Tiny

ALL = ("0", "1", "2", "3", "4")


@pytest.fixture(scope="module")
def deep(trained: Path) -> tuple[Workspace, Plan, Splits]:
    """Return a workspace in which fold 0 of 3d_fullres is finished, and a plan of four stages behind it."""
    workspace = Workspace(root=trained / "ws")
    plan, splits = read_plan(workspace, "default")
    first = next(entry for entry in plan.configurations if entry.name == "3d_fullres")
    crop = CropTo(configuration="3d_fullres", margin_mm=2.0)
    closer = replace(first, name="closer", inputs=(crop,))
    found = replace(first, name="found", inputs=(replace(crop, trained_on="out_of_fold"),))
    refine = replace(first, name="refine", inputs=(MaskOf(configuration="closer"),))
    polish = replace(first, name="polish", initial=Initial(configuration="refine"))
    return workspace, replace(plan, configurations=(first, closer, found, refine, polish)), splits


def test_boxes_around_the_reference_need_only_the_fold_itself(deep: tuple[Workspace, Plan, Splits]) -> None:
    workspace, plan, splits = deep
    assert find_lacking(workspace, plan, splits, "closer", ("0",)) == {}
    assert find_lacking(workspace, plan, splits, "closer", ("1", "3")) == {"3d_fullres": ("1", "3")}
    assert list(list_needs(plan.configurations[1], "full", ALL)) == []


def test_boxes_around_what_was_found_and_masks_need_every_fold(deep: tuple[Workspace, Plan, Splits]) -> None:
    workspace, plan, splits = deep
    assert find_lacking(workspace, plan, splits, "found", ("0",)) == {"3d_fullres": ALL[1:]}
    lacking = find_lacking(workspace, plan, splits, "refine", ("0",))
    assert lacking == {"closer": ALL, "3d_fullres": ALL[1:]}
    assert list(lacking) == ["3d_fullres", "closer"], "what is needed stands before what needs it"


def test_weights_need_the_same_fold_alone_and_what_that_needs(deep: tuple[Workspace, Plan, Splits]) -> None:
    workspace, plan, splits = deep
    lacking = find_lacking(workspace, plan, splits, "polish", ("2",))
    assert lacking == {"3d_fullres": ALL[1:], "closer": ALL, "refine": ("2",)}
    assert list(lacking) == ["3d_fullres", "closer", "refine"]


def test_a_fold_whose_weights_are_lost_is_not_there(tiny: Tiny) -> None:
    needs = [Need(configuration=CONFIGURATION, fold="0", validated=validated) for validated in (True, False)]
    assert all(need.is_met(tiny.fold()) for need in needs)
    tiny.fold().weights.unlink()
    assert not any(need.is_met(tiny.fold()) for need in needs)


def test_what_lacks_is_refused_with_its_names_and_the_way_out(deep: tuple[Workspace, Plan, Splits]) -> None:
    workspace, plan, splits = deep
    with pytest.raises(WorkspaceError, match=r"fold 1 of 3d_fullres is not finished\. Add --with-previous"):
        refuse_lacking(workspace, plan, splits, "closer", "1")
    refuse_lacking(workspace, plan, splits, "closer", "0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """A tiny workspace, and a fold of a second configuration that uses fold 0 of the first."""

    tiny: Tiny
    plan: Plan
    splits: Splits
    own: Run

    def refuse(self, *, validated: bool = True) -> None:
        need = Need(configuration=CONFIGURATION, fold="0", validated=validated)
        refuse_others_cases(self.tiny.workspace, self.splits, (need,), self.own)


@pytest.fixture
def used(tiny: Tiny) -> Used:
    plan, splits = read_plan(tiny.workspace, "default")
    run = read_run(tiny.fold())
    assert run is not None
    # Fold 1 of another configuration, of the same cases.
    contents = {one.case: one for one in run.contents}
    train, validation = (
        tuple(contents[case] for case in side) for side in (splits.folds[1].train, splits.folds[1].validation)
    )
    own = replace(run, configuration="refine", fold="1").of_cases(train, validation)
    return Used(tiny=tiny, plan=plan, splits=splits, own=own)


def test_folds_of_the_same_splits_are_used(used: Used) -> None:
    used.refuse()
    used.refuse(validated=False)


def of_other_splits(used: Used) -> Used:
    """Let the folds be those of splits in which fold 0 is judged on what it was trained on."""
    turned = replace(used.splits, folds=used.splits.folds[::-1])
    return replace(used, splits=turned)


def of_another_content(used: Used) -> Used:
    first, *others = used.own.contents
    return replace(used, own=replace(used.own, contents=(replace(first, sha256=("0",) * 2), *others)))


@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize(
    ("change", "said"),
    [(of_other_splits, "would be judged on"), (of_another_content, "with another content of")],
)
def test_a_fold_of_other_cases_is_not_used(
    used: Used, change: Callable[[Used], Used], said: str, validated: bool
) -> None:
    with pytest.raises(WorkspaceError) as refused:
        change(used).refuse(validated=validated)
    for expected in ("refine, fold 1 uses 3d_fullres, fold 0", said, "`autoseg train 0 -c 3d_fullres --restart`"):
        assert expected in str(refused.value)


def test_masks_of_other_weights_are_not_used(used: Used) -> None:
    used.tiny.fold().validation.mask(used.splits.folds[0].validation[0]).unlink()
    used.refuse(validated=False)
    with pytest.raises(WorkspaceError, match="whose masks are not all there or are of other weights"):
        used.refuse()
    used.tiny.train(0)
    used.refuse()
    save_tensors(used.tiny.fold().weights, load_tensors(used.tiny.fold().weights)[0], {"iteration": "9"})
    with pytest.raises(WorkspaceError, match="of other weights"):
        used.refuse()


def test_a_fold_uses_no_fold_of_another_split_in_a_training_either(tiny: Tiny) -> None:
    """Masks of fold 0 are asked for by a configuration that was added to the plan, and the splits were turned."""
    plan, splits = read_plan(tiny.workspace, "default")
    first = next(entry for entry in plan.configurations if entry.name == CONFIGURATION)
    crop = CropTo(configuration=CONFIGURATION, margin_mm=2.0)
    changed = replace(plan, configurations=(*plan.configurations, replace(first, name="closer", inputs=(crop,))))
    write_json(tiny.workspace.plan("default"), changed)
    options = TrainingOptions(configuration="closer")
    assert resolve_job(tiny.workspace, "0", options).needs == (
        Need(configuration=CONFIGURATION, fold="0", validated=True),
    )
    write_json(tiny.workspace.splits("default"), replace(splits, folds=splits.folds[::-1]))
    with pytest.raises(WorkspaceError, match="closer, fold 0 uses 3d_fullres, fold 0, but that one would be judged on"):
        resolve_job(tiny.workspace, "0", options)


@pytest.mark.parametrize("fold", ["0", "full"])
def test_masks_of_a_case_that_every_fold_trains_on_are_refused_by_its_name(
    deep: tuple[Workspace, Plan, Splits], fold: str
) -> None:
    workspace, plan, splits = deep
    first, second, *_ = splits.folds
    cut = replace(splits, folds=(first, second))
    for name in ("found", "refine"):
        with pytest.raises(WorkspaceError, match=rf"{name} uses masks.*every fold trains on.*--plan-name NEW"):
            find_lacking(workspace, plan, cut, name, (fold,))
    assert find_lacking(workspace, plan, cut, "closer", ("0",)) == {}
