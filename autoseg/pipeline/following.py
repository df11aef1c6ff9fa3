"""Trained models whose plan a new one follows."""

from __future__ import annotations

from pathlib import Path

from autoseg.models import read_settings
from autoseg.pipeline.sources import find_place, find_source
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import WorkspaceError
from planners.editing.following import Followed


def read_followed(path: Path) -> Followed:
    """Return what a trained model was trained by.

    Args:
        path: of a bundle, a workspace or a fold.

    Raises:
        AutosegError: there is no model, or it is damaged.
    """
    if not path.exists():
        raise WorkspaceError(
            f"--like {path}: there is no such file or folder. Expected a model (model.zip), a workspace, or the "
            "folder of a trained fold."
        )
    place = find_place(path)
    run = read_settings(place) if isinstance(place, FoldFolder) else find_source(place).run
    return Followed(name=path.name, run=run)
