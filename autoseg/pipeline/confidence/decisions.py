"""The configurations that predict together, and the rule that makes masks of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence

from autoseg.models.selection import REMEDY, Selection
from autoseg.prediction import Decision, decision_of
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import read_json
from planners.plan import Plan


def find_decision(workspace: Workspace, plan: Plan, configurations: Sequence[str]) -> tuple[tuple[str, ...], Decision]:
    """Return configurations and their rule: as they were selected, or the usual rule for others.

    Args:
        workspace: of the plan.
        plan: with its name.
        configurations: asked for; empty for those that are selected, or the plan's default.

    Raises:
        FileFormatError: the selection is damaged.
    """
    path = workspace.selection(plan.name)
    selection = read_json(path, Selection, REMEDY) if path.is_file() else None
    names = tuple(configurations) or (selection.configurations if selection else (plan.default_configuration,))
    chosen = selection is not None and set(selection.configurations) == set(names)
    return names, decision_of(selection if chosen else None)
