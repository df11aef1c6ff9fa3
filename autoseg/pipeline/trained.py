"""The trained models of a workspace: those of a configuration and of the stages that it needs, ready to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoseg.hardware import choose_device
from autoseg.models import Model, read_fold
from autoseg.pipeline.scan_warnings import read_known
from autoseg.pipeline.trained_folds import TrainedFolds, find_trained
from autoseg.prediction import Ensemble, LoadedModel, build_cascade, make_members
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.likeness import KnownScans
from dataset_fingerprints.names import counted
from planners.plan import Plan


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
        WorkspaceError: a fold is not trained yet, its files are damaged, or they were trained for different labels.
        PlanError: there is no such configuration.
    """
    found = find_trained(workspace, plan, names, folds)
    return load_trained(found, mirror=mirror, known=read_known(workspace, found))


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
        patches=(own.patch_shape,),
    )


def load_trained(found: TrainedFolds, *, mirror: bool = True, known: KnownScans | None = None) -> LoadedModel:
    """Return the average of trained folds, of one or several configurations, each with the same weight.

    Args:
        found: the folds.
        mirror: average over flips as well.
        known: scans that they were trained for, with which new ones are compared.

    Raises:
        WorkspaceError: files of a fold are damaged.
    """
    models = [_read_models(one) for one in found.stages]
    members = tuple(build_cascade(one, choose_device(), mirror=mirror) for one in models)
    return LoadedModel(
        predictor=members[0] if len(members) == 1 else Ensemble(members=members),
        scheme=found.scheme,
        channels=found.channels,
        description=" and ".join(map(_describe, models)) if len(models) > 1 else _describe_folds(models[0]),
        patches=tuple(dict.fromkeys(model.run.own().patch_shape for one in models for model in [*one.values()][-1])),
        known=known,
    )


def read_models(workspace: Workspace, plan: Plan, name: str, folds: Sequence[str] = ()) -> dict[str, tuple[Model, ...]]:
    """Return the trained models that predict a configuration, by configuration, in order of need; see `find_trained`.

    Raises:
        AutosegError: a fold is not trained yet, its files are damaged, or there is no such configuration or fold.
    """
    return _read_models(find_trained(workspace, plan, (name,), folds).stages[0])


def _read_models(stages: Mapping[str, Sequence[FoldFolder]]) -> dict[str, tuple[Model, ...]]:
    return {name: tuple(map(read_fold, folders)) for name, folders in stages.items()}


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
        return f"{counted(networks, 'snapshot')} of {counted(len(folds), 'fold')} averaged"
    return "1 fold" if networks == 1 else f"{counted(networks, 'fold')} averaged"
