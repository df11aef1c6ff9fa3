"""The trained models of a workspace: those of a configuration, and of the stages that it needs."""

from __future__ import annotations

from collections.abc import Sequence

from autoseg.models import Model, read_fold
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError
from planners.order import order_by_need
from planners.plan import Configuration, Plan


def read_models(workspace: Workspace, plan: Plan, name: str, folds: Sequence[str] = ()) -> dict[str, tuple[Model, ...]]:
    """Return the trained models that predict a configuration, by configuration, in order of need.

    Args:
        workspace: with trained folds.
        plan: of the workspace.
        name: of the configuration.
        folds: names of its folds to average, empty for all that are trained; of stages that it needs it is always all.

    Raises:
        WorkspaceError: a fold is not trained yet, its files are damaged, or it was trained for other labels.
        PlanError: there is no such configuration.
    """
    stages = _find_stages(plan, name)
    folders = {
        stage.name: _find_folds(workspace, plan, stage, folds if stage.name == name else ())
        for stage in reversed(stages)
    }
    return {stage.name: tuple(_read_fold(folder, plan) for folder in folders[stage.name]) for stage in stages}


def _read_fold(folder: FoldFolder, plan: Plan) -> Model:
    model = read_fold(folder)
    if (model.run.scheme, model.run.channels) != (plan.scheme, plan.channels):
        raise WorkspaceError(
            f"{folder.root}: was trained for other labels or channels than those of plan {plan.name}. Delete the "
            "folder and train the fold again."
        )
    return model


def _find_stages(plan: Plan, name: str) -> tuple[Configuration, ...]:
    """Return the configuration, last, and those whose masks or boxes it uses; not those that it only starts from."""
    ordered = order_by_need(plan.configurations, [name], f"plan {plan.name}")
    needed = {name}
    for configuration in reversed(ordered):
        if configuration.name in needed:
            needed |= {entry.configuration for entry in configuration.inputs}
    return tuple(configuration for configuration in ordered if configuration.name in needed)


def _find_folds(
    workspace: Workspace, plan: Plan, configuration: Configuration, folds: Sequence[str]
) -> tuple[FoldFolder, ...]:
    if folds:
        chosen = tuple(workspace.fold(plan.name, configuration.name, fold) for fold in folds)
        missing = [folder.root.name for folder in chosen if not folder.weight_files()]
        if missing:
            raise WorkspaceError(f"{workspace.root}: {', '.join(missing)} of {configuration.name} is not trained yet.")
        return chosen
    found = workspace.trained_folds(plan.name, configuration.name)
    if not found:
        raise WorkspaceError(
            f"{workspace.root}: no fold of {configuration.name} is trained yet. Run `autoseg train 0` first."
        )
    return found
