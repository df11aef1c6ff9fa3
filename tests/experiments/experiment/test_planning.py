"""Recipes planned in a workspace: once each, for the data set that it is of, and with what is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.pipeline.plans import planning as engine
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError, WorkspaceError
from experiments.experiment import planning
from experiments.experiment.planning import PlannedRecipe, Setting, find_or_make_plan
from experiments.experiment.running import TimeLimit, run_folds
from tests.synthetic.scans import write_csv, write_nnunet_dataset

SCALE = 1024.0


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nnunet_dataset(tmp_path_factory.mktemp("raw"), cases=5, labels={"background": 0, "lesion": 1})


def make(name: str, root: Path, data: Path | None, *configurations: str, **changes: object) -> PlannedRecipe:
    setting = Setting(workspace=Workspace(root=root), data=data, scale=SCALE, **changes)  # type: ignore[arg-type]
    return find_or_make_plan(name, setting, SilentProgress(), configurations)


def test_a_recipe_of_several_networks_is_planned_once_and_preprocessed_for_all_and_for_what_is_asked_beside(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = []

    def plan_and_preprocess(*given: object) -> object:
        options = given[1]
        assert isinstance(options, engine.PlanningOptions)
        workspace, plan = engine.plan_and_preprocess(*given)  # type: ignore[arg-type]
        chosen.append(options.choose(plan))
        return workspace, plan

    monkeypatch.setattr(planning, "plan_and_preprocess", plan_and_preprocess)
    members = ("default", "dtk10", "residual")
    assert make("mapping2022", tmp_path / "ws", raw).names() == members
    assert make("mapping2022", tmp_path / "ws", raw, "residual").names() == ("residual",)
    assert make("nnunet", tmp_path / "ws", None, "2d").names() == ("2d",)
    assert chosen == [members, ("3d_fullres", "2d")]
    # Of scans without labels the plan knows nothing.
    with pytest.raises(PlanError, match="new: there is no such folder or table"):
        make("mapping2022", tmp_path / "ws", None, unlabelled=tmp_path / "new")
    (tmp_path / "new").mkdir()
    with pytest.raises(PlanError, match=r"was planned without scans without labels, and .*new is named"):
        make("mapping2022", tmp_path / "ws", None, unlabelled=tmp_path / "new")
    with pytest.raises(PlanError, match="has no configuration '3d_lowres'"):
        make("nnunet", tmp_path / "ws", None, "3d_lowres")


def test_the_table_of_a_workspace_is_found_again_and_another_data_set_is_refused_though_all_is_planned(
    raw: Path, tmp_path: Path
) -> None:
    names = [path.name.removesuffix(".nii.gz") for path in sorted((raw / "labelsTr").iterdir())]
    rows = [
        {"case": name, "image": f"{raw}/imagesTr/{name}_0000.nii.gz", "label": f"{raw}/labelsTr/{name}.nii.gz"}
        for name in names
    ]
    table = write_csv(tmp_path / "tables" / "scans.csv", rows)
    make("nnunet", tmp_path / "ws", table)
    assert make("nnunet_resenc_m", tmp_path / "ws", None).splits.cases() == tuple(names)
    assert make("nnunet", tmp_path / "ws", table).plan.planner == "nnunet"
    with pytest.raises(WorkspaceError, match="was made of another data set, 'scans'"):
        make("nnunet", tmp_path / "ws", raw)


def test_scans_of_one_subject_have_no_folds_to_run(tmp_path: Path) -> None:
    raw = write_nnunet_dataset(tmp_path / "raw", cases=1, labels={"background": 0, "lesion": 1})
    setting = Setting(workspace=Workspace(root=tmp_path / "ws"), data=raw, scale=SCALE)
    for fold in ("all", "0"):
        with pytest.raises(PlanError, match="cannot be cross-validated"):
            run_folds("nnunet", fold, setting, TimeLimit(), SilentProgress())


def test_a_configuration_that_a_recipe_never_plans_is_refused_before_anything_is_read(
    raw: Path, tmp_path: Path
) -> None:
    with pytest.raises(PlanError, match=r"There is no configuration 'nope' in plans of planner amc_infarct\. Known: l"):
        make("amc_infarct", tmp_path / "ws", raw, "nope")
    assert not (tmp_path / "ws").exists()
