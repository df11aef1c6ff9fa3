"""The folds of other configurations that have to be there, at any depth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.folds.needs import find_lacking, list_needs, refuse_lacking
from autoseg.pipeline.planning import read_plan
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError
from planners.plan import CropTo, Initial, MaskOf, Plan, Splits

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


def test_what_lacks_is_refused_with_its_names_and_the_way_out(deep: tuple[Workspace, Plan, Splits]) -> None:
    workspace, plan, splits = deep
    with pytest.raises(WorkspaceError, match=r"fold 1 of 3d_fullres is not finished\. Add --with-previous"):
        refuse_lacking(workspace, plan, splits, "closer", "1")
    refuse_lacking(workspace, plan, splits, "closer", "0")
