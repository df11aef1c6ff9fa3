"""Trainings as files: what is written down is what another process trains."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from autoseg.pipeline.folds.job_file import JobFile, read_job, write_job
from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.workspace.fold import ALL
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from tests.synthetic.commands import run

# For every option a value that is not its default.
GIVEN = {
    "plan_name": "other",
    "configuration": "2d",
    "iterations": 77,
    "max_minutes": 2.5,
    "patience": 9,
    "assignments": ("training.gradient_clip=0.5", "seed=3"),
    "with_previous": True,
    "memory_gb": 1.5,
    "folds_at_once": 3,
    "memory_share": 0.25,
    "restart": True,
    "from_model": "/models/model.zip",
    "allow_seen": True,
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(root=tmp_path / "a place" / "ws")
    for path in (made.dataset, made.plan("default")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return made


@pytest.mark.parametrize("fold", ["3", "full", ALL])
def test_every_option_comes_through_the_file(workspace: Workspace, fold: str) -> None:
    options = TrainingOptions(**GIVEN)  # type: ignore[arg-type]
    found, job = read_job(write_job(workspace, "2d", fold, options))
    assert (found, job.fold) == (workspace, fold)
    for field in fields(TrainingOptions):
        assert getattr(job.options, field.name) == GIVEN[field.name] != field.default, field.name


def test_the_file_lies_in_the_folder_that_is_trained_into_and_names_the_configuration(workspace: Workspace) -> None:
    path = write_job(workspace, "2d", "0", TrainingOptions())
    assert path == workspace.fold("default", "2d", "0").job
    assert read_job(path)[1].options == TrainingOptions(configuration="2d")
    summary = write_job(workspace, "2d", ALL, TrainingOptions())
    assert summary.parent == workspace.configuration("default", "2d")


def test_a_workspace_may_move_and_its_models_within_it_but_not_out_of_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_job(workspace, "2d", "0", TrainingOptions())
    moved = Workspace(root=tmp_path / "moved")
    workspace.root.rename(moved.root)
    assert str(tmp_path) not in read_json(moved.fold("default", "2d", "0").job, JobFile).workspace
    assert read_job(moved.root / path.relative_to(workspace.root))[0] == moved
    shutil.move(moved.root / "models", moved.root / "disk")
    (moved.root / "models").symlink_to("disk")
    assert read_job(moved.fold("default", "2d", "0").job)[0] == moved
    # As named from the workspace itself.
    monkeypatch.chdir(moved.root)
    assert read_job(write_job(Workspace(root=Path()), "2d", "1", TrainingOptions()))[0].root.samefile(moved.root)
    (moved.root / "models").unlink()
    (moved.root / "models").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WorkspaceError, match=r"models: is a link to .*elsewhere, out of the workspace"):
        write_job(moved, "2d", "1", TrainingOptions())
    assert not (tmp_path / "elsewhere").exists()
    (moved.root / "models").unlink()
    (moved.root / "models").symlink_to("disk")
    moved.dataset.unlink()
    with pytest.raises(WorkspaceError, match=r"job\.json: belongs to the workspace .*moved, which is not there"):
        read_job(moved.fold("default", "2d", "0").job)


@pytest.mark.parametrize(
    ("others", "named"),
    [
        (["0"], "fold"),
        (["-w", "elsewhere"], "--workspace"),
        (["--iterations", "5", "--set", "seed=1"], "--iterations, --set"),
        (["--memory-share", "1.0"], "--memory-share"),
        (["--cluster", "local"], "--cluster"),
    ],
)
def test_a_job_with_further_options_is_refused(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    others: list[str],
    named: str,
) -> None:
    path = write_job(workspace, "2d", "0", TrainingOptions())
    assert run(monkeypatch, "train", "--job", path, *others) == 2
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert f"--job says everything. Leave out: {named}." in said


def test_without_a_fold_and_without_a_job_a_fold_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train") == 2
    assert "Name a fold: 0 to 4, `all` or `full`." in capsys.readouterr().err
