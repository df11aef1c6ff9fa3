"""The trained models of a workspace: those of a configuration and of the stages that it needs, ready to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from autoseg.hardware import choose_device
from autoseg.models import Model, read_fold
from autoseg.prediction import Ensemble, LoadedModel, build_cascade, make_members
from autoseg.workspace.fold import FULL, FoldFolder, is_fold
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError, WorkspaceError
from planners.order import order_by_need
from planners.plan import Configuration, Plan


def load_predictor(
    workspace: Workspace, plan: Plan, names: Sequence[str] = (), folds: Sequence[str] = (), *, mirror: bool = True
) -> LoadedModel:
    """Return the average of the trained folds of one or several configurations.

    Args:
        workspace: with trained folds.
        plan: of the workspace.
        names: of the configurations, each with the same weight; empty for the plan's default.
        folds: names of their folds to average; empty for all that are trained.
        mirror: average over flips as well.

    Raises:
        WorkspaceError: a fold is not trained yet, its files are damaged, or it was trained for other labels.
        PlanError: there is no such configuration.
    """
    models = [read_models(workspace, plan, name, folds) for name in _choose(plan, names)]
    members = tuple(build_cascade(one, choose_device(), mirror=mirror) for one in models)
    return LoadedModel(
        predictor=members[0] if len(members) == 1 else Ensemble(members=members),
        scheme=plan.scheme,
        channels=plan.channels,
        description=" and ".join(map(_describe, models)) if len(models) > 1 else _describe_folds(models[0]),
    )


def load_fold(folder: FoldFolder, *, mirror: bool = True) -> LoadedModel:
    """Return the model of one fold, wherever its folder is.

    Raises:
        WorkspaceError: it is not trained, or its network sees what other configurations find.
    """
    model = read_fold(folder)
    own = model.run.own()
    if own.inputs:
        others = ", ".join(dict.fromkeys(entry.configuration for entry in own.inputs))
        raise WorkspaceError(
            f"{folder.root}: {own.name} needs what {others} finds in a scan. Load the workspace instead of the fold."
        )
    return LoadedModel(
        predictor=Ensemble(members=make_members(model, choose_device(), mirror=mirror)),
        scheme=model.run.scheme,
        channels=model.run.channels,
        description=folder.title(),
    )


def read_models(workspace: Workspace, plan: Plan, name: str, folds: Sequence[str] = ()) -> dict[str, tuple[Model, ...]]:
    """Return the trained models that predict a configuration, by configuration, in order of need.

    Args:
        workspace: with trained folds.
        plan: of the workspace.
        name: of the configuration.
        folds: names of its folds to average, empty for all that are trained; of stages that it needs it is always all.

    Raises:
        WorkspaceError: a fold is not trained yet, its files are damaged, or it was trained for other labels.
        PlanError: there is no such configuration or fold.
    """
    found = _find_folders(workspace, plan, name, folds)
    return {stage: tuple(_read_fold(folder, plan) for folder in folders) for stage, folders in found.items()}


def _choose(plan: Plan, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the configurations to average."""
    chosen = tuple(names) or (plan.default_configuration,)
    _refuse_doubled("configuration", chosen)
    return chosen


def _refuse_doubled(what: str, names: Sequence[str]) -> None:
    """Make sure that nothing that is averaged counts twice."""
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise PlanError(f"{what} {doubled[0]} is named twice and would count twice in the average. Name each once.")


def list_weights(
    workspace: Workspace, plan: Plan, names: Sequence[str] = (), folds: Sequence[str] = ()
) -> tuple[Path, ...]:
    """Return the files of the weights that `load_predictor` reads for the same arguments."""
    return tuple(
        file
        for name in _choose(plan, names)
        for folders in _find_folders(workspace, plan, name, folds).values()
        for folder in folders
        for file in folder.weight_files()
    )


def _describe(models: Mapping[str, Sequence[Model]]) -> str:
    *_, name = models
    return f"{name} ({_describe_folds(models)})"


def _describe_folds(models: Mapping[str, Sequence[Model]]) -> str:
    """Return in words what is averaged, and after which stages."""
    *earlier, last = ((name, _count(folds)) for name, folds in models.items())
    after = ", ".join(f"{name} ({averaged})" for name, averaged in earlier)
    return f"{last[1]}, after {after}" if after else last[1]


def _count(folds: Sequence[Model]) -> str:
    networks = sum(len(fold.weights) for fold in folds)
    if networks > len(folds):
        return f"{networks} snapshots of {len(folds)} {'fold' if len(folds) == 1 else 'folds'} averaged"
    return "1 fold" if networks == 1 else f"{networks} folds averaged"


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


def _find_folders(
    workspace: Workspace, plan: Plan, name: str, folds: Sequence[str]
) -> dict[str, tuple[FoldFolder, ...]]:
    """Return the trained folds that predict a configuration, by configuration, in order of need; see `read_models`."""
    stages = _find_stages(plan, name)
    # The configuration itself first, so that what a person asked for is refused before what it needs.
    found = {
        stage.name: _find_folds(workspace, plan, stage, folds if stage.name == name else ())
        for stage in reversed(stages)
    }
    return {stage.name: found[stage.name] for stage in stages}


def _find_folds(
    workspace: Workspace, plan: Plan, configuration: Configuration, folds: Sequence[str]
) -> tuple[FoldFolder, ...]:
    if folds:
        unknown = [fold for fold in folds if not is_fold(fold)]
        if unknown:
            raise PlanError(
                f"There is no fold '{unknown[0]}'. Give numbers of folds, or `{FULL}` for the model of all cases."
            )
        _refuse_doubled("fold", folds)
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
