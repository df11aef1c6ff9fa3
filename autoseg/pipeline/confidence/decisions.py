"""The configurations that predict together, and the rule that makes masks of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence

from autoseg.pipeline.models.trained_folds import choose_predicting, find_if_trained
from autoseg.pipeline.selection.selected import find_mismatch, read_selection
from autoseg.prediction import Decision, decision_of
from autoseg.workspace.workspace import Workspace
from planners.plan import Plan


def find_decision(workspace: Workspace, plan: Plan, configurations: Sequence[str]) -> tuple[tuple[str, ...], Decision]:
    """Return configurations and their rule: as they were selected, or the usual rule for others.

    Args:
        workspace: of the plan.
        plan: with its name.
        configurations: asked for; empty for those that are selected, or that the plan predicts with.

    Raises:
        FileFormatError: the selection is damaged.
    """
    selection = read_selection(workspace, plan.name)
    if selection is not None:
        names = tuple(configurations) or selection.configurations
        found = find_if_trained(workspace, plan, names)
        if found is not None and not find_mismatch(selection, found.folders()):
            return names, decision_of(selection)
    return tuple(configurations) or choose_predicting(workspace, plan), decision_of(None)
