"""Trained models whose plan a new one follows."""

from __future__ import annotations

from pathlib import Path

from autoseg.models import read_settings
from autoseg.pipeline.models.sources import ModelChoice, Place, find_place, find_source
from autoseg.pipeline.plans.reading import choose_plan
from autoseg.progress import SilentProgress
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace, is_workspace
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.names import show_name
from planners.editing.following import Followed
from planners.run import Run


def read_followed(path: Path) -> Followed:
    """Return what a trained model was trained by.

    Args:
        path: of a bundle, a workspace or a fold.

    Raises:
        AutosegError: there is no model, or it is damaged.
    """
    place = find_model(path, "--like")
    return Followed(name=show_name(path.name), run=_read_run(place))


def _read_run(place: Place) -> Run:
    if isinstance(place, FoldFolder):
        return read_settings(place)
    if isinstance(place, Workspace):
        return find_source(place, ModelChoice(plan_name=choose_plan(place, None, SilentProgress()))).run
    return find_source(place).run


def find_model(path: Path, option: str) -> Place:
    """Return what a person names as a model with an option.

    Raises:
        WorkspaceError: it is none of what models are.
    """
    known = path.is_file() or FoldFolder(root=path).run.is_file() or is_workspace(path)
    if not known:
        found = "holds no model" if path.exists() else "there is no such file or folder"
        raise WorkspaceError(
            f"{option} {path}: {found}. Expected an exported model (model.zip), a workspace, or the folder of a "
            "trained fold."
        )
    return find_place(path)
