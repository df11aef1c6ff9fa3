"""Workspaces as callers of the public functions name them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autoseg.workspace.workspace import Workspace

Location = str | Path


def find_located(workspace: Workspace | Location | None) -> Workspace:
    """Return a workspace by its absolute path: the current directory may change in a notebook."""
    from autoseg.workspace.workspace import Workspace, find_workspace

    if not isinstance(workspace, Workspace):
        workspace = find_workspace(None if workspace is None else Path(workspace))
    return Workspace(root=workspace.root.absolute())
