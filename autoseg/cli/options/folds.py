"""The folds that a command can be given, for messages."""

from __future__ import annotations

from pathlib import Path

from dataset_fingerprints.errors import AutosegError


def list_folds(workspace: Path | None, plan: str | None) -> str:
    """Return the folds that there are to train, as far as there is a workspace that says so."""
    from autoseg.pipeline.folds.runs import list_choices
    from autoseg.pipeline.plans.reading import choose_plan, read_plan
    from autoseg.progress import SilentProgress
    from autoseg.workspace.workspace import find_workspace

    try:
        found = find_workspace(workspace)
        return list_choices(read_plan(found, choose_plan(found, plan, SilentProgress()))[1])
    except AutosegError:
        return "0 to 4, `all` or `full`"
