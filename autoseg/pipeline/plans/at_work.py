"""Trainings that are running in a workspace: whoever plans in it meanwhile is told."""

from __future__ import annotations

from autoseg.progress import Progress
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.locks import is_locked
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.names import some_of


def find_running(workspace: Workspace) -> tuple[FoldFolder, ...]:
    """Return the folds, of any plan, that a process is training or validating."""
    return tuple(
        folder
        for plan in workspace.plan_names()
        for name in workspace.configuration_names(plan)
        for folder in workspace.folds(plan, name)
        if is_locked(folder.root)
    )


def report_running(workspace: Workspace, progress: Progress) -> None:
    """Say which trainings run beside a planning, and what that means for it."""
    running = find_running(workspace)
    if running:
        progress.say(
            f"A training is running in this workspace ({some_of([folder.title() for folder in running], between='; ')})"
            ": planning shares the machine with it and takes longer, and cannot replace arrays that it reads. To go on "
            "faster, stop it with Ctrl-C where it runs, plan, and give its command again: it goes on from where it was."
        )
