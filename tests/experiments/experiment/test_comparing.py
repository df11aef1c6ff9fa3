"""Recipes compared on a tiny data set: the same folds, resumed, one that fails; and what cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.evaluation import read_evaluation
from autoseg.pipeline.faces import face
from autoseg.pipeline.plans.reading import read_plan
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError, PartlyDoneError, PlanError, WorkspaceError
from experiments.experiment.comparing import Contest, compare_recipes
from experiments.experiment.planning import Setting, find_or_make_plan
from experiments.experiment.table import COLUMNS
from tests.synthetic.scans import write_nnunet_dataset

SCALE = 1024.0


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nnunet_dataset(tmp_path_factory.mktemp("raw"), cases=6, labels={"background": 0, "lesion": 1})


def contest(names: tuple[str, ...], root: Path, raw: Path, **changes: object) -> Contest:
    setting = Setting(workspace=Workspace(root=root), data=raw, scale=SCALE)
    return Contest(names=names, setting=setting, minutes=0.05, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "changes", "message"),
    [
        (("nnunet",), {"seeds": 1}, "nothing to compare it with"),
        (("nnunet", "nnunet"), {}, "recipe nnunet is named twice"),
        (("nnunet", "nnunet_resenc_q"), {}, "no recipe 'nnunet_resenc_q'"),
        (("nnunet",), {"seeds": 0}, "--seeds is 0. Expected 1 to 100"),
        (("nnunet",), {"folds": ("0", "0")}, "fold 0 is named twice"),
    ],
)
def test_what_cannot_be_compared_is_refused_at_once(
    names: tuple[str, ...], changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(PlanError, match=message):
        compare_recipes(contest(names, tmp_path / "ws", tmp_path, **changes), SilentProgress())
    assert not (tmp_path / "ws").exists()


def test_a_fold_that_no_data_set_has_is_refused_before_one_is_read(tmp_path: Path) -> None:
    for fold in ("7", "all", "first"):
        with pytest.raises(PlanError, match=rf"no fold '{fold}'\. Expected one of 0, 1, 2, 3, 4\."):
            compare_recipes(contest(("nnunet",), tmp_path / "ws", tmp_path, folds=("0", fold)), SilentProgress())
    assert not (tmp_path / "ws").exists()


def test_a_fold_that_a_small_data_set_lacks_is_refused_before_any_training_and_then_before_any_planning(
    tmp_path: Path,
) -> None:
    few = write_nnunet_dataset(tmp_path / "raw", cases=3, labels={"background": 0, "lesion": 1})
    for name in ("nnunet", "nnunet_resenc_m"):
        with pytest.raises(PlanError, match=r"no fold '4'\. Expected one of 0, 1, 2\."):
            compare_recipes(contest((name,), tmp_path / "ws", few, folds=("0", "4")), SilentProgress())
    assert Workspace(root=tmp_path / "ws").plan_names() == ("nnunet",)


def test_all_recipes_and_seeds_of_a_workspace_have_the_same_folds_and_one_scale(raw: Path, tmp_path: Path) -> None:
    workspace = Workspace(root=tmp_path / "ws")
    first = find_or_make_plan("nnunet", Setting(workspace=workspace, data=raw, scale=SCALE), SilentProgress())
    # The data set is known from here on.
    second = find_or_make_plan("nnunet", Setting(workspace=workspace, scale=SCALE, seed=3), SilentProgress())
    assert (second.plan.name, second.plan.seed, second.plan.scale) == ("nnunet-seed-3", 3, SCALE)
    assert first.splits.folds == second.splits.folds
    assert "by subject" in first.splits.origin
    with pytest.raises(PlanError, match=r"planned with --scale 1024, and 2 is asked for"):
        find_or_make_plan("nnunet", Setting(workspace=workspace, scale=2.0), SilentProgress())
    with pytest.raises(WorkspaceError, match=r"not a workspace yet\. Name the data set with --data"):
        find_or_make_plan("nnunet", Setting(workspace=Workspace(root=tmp_path / "none")), SilentProgress())


@pytest.mark.slow
def test_recipes_are_trained_scored_and_compared_once_and_one_that_fails_stops_none(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "ws"
    asked = contest(("nnunet", "nnunet_resenc_m"), root, raw)
    face.plan_and_preprocess(raw, workspace=root, plan_name="nnunet_resenc_m", planner="nnunet_resenc_m", scale=512)
    outcome = compare_recipes(asked, SilentProgress())
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in outcome.table.rows]
    assert [row["recipe"] for row in rows] == ["nnunet", "nnunet-seed-1"]
    assert {row["scale"] for row in rows} == {"1/1024"}
    assert all(int(row["steps"]) >= 1 for row in rows)
    assert list(outcome.failures) == ["nnunet_resenc_m"]
    with pytest.raises(PartlyDoneError, match="planned with --scale 512, and 1024 is asked for"):
        outcome.refuse_failures()
    workspace = Workspace(root=root)
    weights = [workspace.fold(name, "3d_fullres", "0").weight_files()[-1] for name in outcome.evaluations]
    written = [path.stat().st_mtime_ns for path in weights]
    again = compare_recipes(asked, SilentProgress())
    assert [path.stat().st_mtime_ns for path in weights] == written
    assert again.table == outcome.table
    held_out = read_plan(workspace, "nnunet")[1].folds[0].validation
    kept = read_evaluation(root / "recipes" / "nnunet.json")
    assert {case.case for case in kept.cases} == set(held_out)
    assert kept.scale == SCALE
    log = (root / "recipes" / "nnunet.log").read_text(encoding="utf-8")
    assert "Predict:" in log
    assert "Scores of each case" not in log, "all folds are scored together, at the end"
    # Without minutes, what is trained stays as it is.
    kept_so = compare_recipes(replace(asked, minutes=None), SilentProgress())
    assert [path.stat().st_mtime_ns for path in weights] == written
    assert kept_so.table.rows == outcome.table.rows
    said = " ".join(kept_so.table.remarks)
    assert "was given 10 min, with all trainings that it needs, unless it was trained before" in said
    assert "NOT THE SAME TIME: trained before for another time, and taken as they are: nnunet " in said


def test_a_reason_that_several_recipes_have_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(AutosegError) as refused:
        compare_recipes(contest(("nnunet", "nnunet_resenc_m"), tmp_path / "ws", tmp_path / "none"), SilentProgress())
    assert "\n  nnunet, nnunet-seed-1, nnunet_resenc_m: " in str(refused.value)
