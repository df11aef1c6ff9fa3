"""The folders of a workspace that nothing else may be written into."""

from __future__ import annotations

from pathlib import Path

from autoseg.workspace.locks import was_locked
from autoseg.workspace.workspace import is_workspace
from dataset_fingerprints.files.places import is_same, resolve

_FOLDERS = ("cases", "models", "plans", "preprocessed", "tuning", "unlabelled")


def find_reserved(path: Path) -> Path | None:
    """Return the folder of a workspace that a path leads into, whether it is there or not; None for a free place."""
    place = resolve(path)
    for folder in (place, *place.parents):
        root = folder.parent
        if any(is_same(folder, root / name) for name in _FOLDERS) and is_workspace_root(root):
            return folder
    return None


def is_workspace_root(folder: Path) -> bool:
    """Return whether a folder is a workspace, also one that was killed at its start."""
    return was_locked(folder) or is_workspace(folder)
