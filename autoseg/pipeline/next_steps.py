"""What a person does next, as commands to copy."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from autoseg.pipeline.plans.reading import USUAL_PLAN
from autoseg.workspace.fold import FULL
from autoseg.workspace.workspace import Workspace, find_workspace
from dataset_fingerprints.errors import WorkspaceError
from planners.plan import Plan


def name_train(workspace: Workspace, plan: Plan, fold: str, *options: str, configuration: str | None = None) -> str:
    """Return the command that trains a fold.

    Args:
        workspace: of the plan.
        plan: to train by.
        fold: its name, or `all`.
        options: further ones.
        configuration: None for the plan's default.
    """
    return _join("train", fold, *options, *_choose(plan, configuration), *_place(workspace))


def name_predict(workspace: Workspace, plan: Plan, fold: str, configuration: str | None = None) -> str:
    """Return the command that segments new scans with what was just trained.

    Args:
        workspace: of the plan.
        plan: that was trained by.
        fold: its name, or `all`.
        configuration: None for those that the plan predicts with.
    """
    names = plan.predicting() if configuration is None else (configuration,)
    # Beside other folds it is used only where it is named.
    trained = (folder for name in names for folder in workspace.trained_folds(plan.name, name))
    others = [folder for folder in trained if folder.name() != FULL]
    named = ("-f", FULL) if fold == FULL and others else ()
    chosen = _choose(plan, configuration, plan.predicting())
    return _join("predict", "SCANS", "-o", "MASKS", *named, *chosen, *_place(workspace))


def describe_lacking(workspace: Workspace, plan: Plan, lacking: Sequence[str], fold: str) -> str:
    """Return which members of a plan's ensemble are left out until they are trained, and how, or nothing.

    Args:
        workspace: of the plan.
        plan: that was trained by.
        lacking: names of the members.
        fold: to train of them: its name, or `all`.
    """
    commands = " and ".join(name_train(workspace, plan, fold, configuration=name) for name in lacking)
    together, missing = ", ".join(plan.ensemble), ", ".join(lacking)
    sentence = f"Plan {plan.name} predicts with {together} together. Left out until trained: {missing} ({commands})."
    return sentence if lacking else ""


def name_quality(workspace: Workspace, plan: Plan, minutes: int, configuration: str) -> str:
    """Return the command that measures what flips and overlaps bring.

    Args:
        workspace: of the plan.
        plan: that was trained by.
        minutes: that it may take.
        configuration: of the plan.
    """
    return _join("quality", "--minutes", str(minutes), *_choose(plan, configuration), *_place(workspace))


def name_report(workspace: Workspace, plan: Plan, configuration: str | None = None) -> str:
    """Return the command that puts data, plan, training and scores on one page.

    Args:
        workspace: of the plan.
        plan: that was trained by.
        configuration: None for the plan's default.
    """
    return _join("report", *_choose(plan, configuration), *_place(workspace))


def _choose(plan: Plan, configuration: str | None, usual: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the options for a configuration, unless it is the usual one, and for the plan."""
    usual = usual or (plan.default_configuration,)
    named = () if configuration is None or (configuration,) == usual else ("-c", configuration)
    return (*named, *(() if plan.name == USUAL_PLAN else ("--plan", plan.name)))


def _place(workspace: Workspace) -> tuple[str, ...]:
    """Return the option that names the workspace, where a command would not find it by itself."""
    try:
        if find_workspace(None).root.absolute() == workspace.root.absolute():
            return ()
    except WorkspaceError:
        pass
    here, place = Path.cwd(), workspace.root.absolute()
    return ("-w", str(place.relative_to(here) if place.is_relative_to(here) else place))


def _join(*words: str) -> str:
    return f"`{shlex.join(('autoseg', *words))}`"
