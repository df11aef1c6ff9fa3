"""The trained folds that are averaged, those of the stages that they need, and what all of them were trained for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from autoseg.models import read_settings
from autoseg.workspace.fold import FULL, FoldFolder, is_fold
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import LabelScheme, first_of_each
from dataset_fingerprints.errors import PlanError, WorkspaceError
from planners.order import find_configuration, order_by_need
from planners.plan import Configuration, Plan
from planners.run import Run, join_learned

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedFolds:
    """Folds that predict together, all of data of the same labels and channels.

    They are what they were begun with, whatever has been planned since.

    Attributes:
        stages: for each configuration that is averaged, the folds by configuration, in order of need, itself the last.
        averaged: what the first fold of each of these configurations was begun with.
    """

    stages: tuple[Mapping[str, tuple[FoldFolder, ...]], ...]
    averaged: tuple[Run, ...]
    channels: tuple[str, ...]

    def take_first(self) -> TrainedFolds:
        """Return the first fold of the first configuration that finds the same, and of each stage that it needs."""
        chosen = first_of_each([run.regions() for run in self.averaged])
        first = tuple({name: folders[:1] for name, folders in self.stages[place].items()} for place in chosen)
        return replace(self, stages=first, averaged=tuple(self.averaged[place] for place in chosen))

    def scheme(self) -> LabelScheme:
        """Return the labels that they predict together."""
        return join_learned(self.averaged)

    def weight_files(self) -> tuple[Path, ...]:
        """Return the files of all weights."""
        return tuple(file for folder in self.folders() for file in folder.weight_files())

    def folders(self) -> tuple[FoldFolder, ...]:
        """Return the folders of all folds, each once."""
        found = (folder for one in self.stages for folders in one.values() for folder in folders)
        return tuple(dict.fromkeys(found))


def find_trained(
    workspace: Workspace, plan: Plan, names: Sequence[str] = (), folds: Sequence[str] = ()
) -> TrainedFolds:
    """Return the folds that predict one or several configurations, and the stages that these need.

    Args:
        workspace: with trained folds.
        plan: of the workspace.
        names: of the configurations; empty for those that the plan predicts with, as far as they are trained.
        folds: names of their folds to average, empty for all that are trained; of stages that they need it is always
            all.

    Raises:
        WorkspaceError: a fold is not trained yet, or the folds were trained for different labels or channels.
        FileFormatError: what a fold was begun with is damaged.
        PlanError: there is no such configuration or fold.
    """
    chosen = tuple(names) or choose_predicting(workspace, plan, folds)
    _refuse_doubled("configuration", chosen)
    read = cache(read_settings)
    stages = tuple(_find_stages(workspace, plan, name, folds, read) for name in chosen)
    runs = {folder: read(folder) for one in stages for group in one.values() for folder in group}
    _refuse_different(workspace, plan, runs)
    first = next(iter(runs.values()))
    if (first.scheme, first.channels) != (plan.scheme, plan.channels):
        _log.warning(
            "Plan %s is of other labels or channels by now (%s) than its trained folds (%s): scans and masks are as "
            "for these. Begin them anew with `autoseg train FOLD --restart` to predict as planned.",
            plan.name,
            _describe(plan.scheme, plan.channels),
            _describe(first.scheme, first.channels),
        )
    averaged = tuple(runs[[*one.values()][-1][0]] for one in stages)
    return TrainedFolds(stages=stages, averaged=averaged, channels=first.channels)


def find_if_trained(
    workspace: Workspace, plan: Plan, names: Sequence[str], folds: Sequence[str] = ()
) -> TrainedFolds | None:
    """Return the folds that predict configurations, as `find_trained`; None where they do not.

    Folds may have been deleted, and configurations may have left the plan, since somebody wrote the names down.
    """
    try:
        return find_trained(workspace, plan, names, folds)
    except (WorkspaceError, PlanError):
        return None


def choose_predicting(workspace: Workspace, plan: Plan, folds: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the configurations that predict unless others are named: of the plan's ensemble, those that are trained.

    Args:
        workspace: with trained folds.
        plan: of the workspace.
        folds: that all of them have to have; empty for any.

    Returns:
        Names; where none is trained, that of the plan's default.
    """
    trained = tuple(name for name in plan.predicting() if _is_trained(workspace, plan, name, folds))
    return trained or (plan.default_configuration,)


def list_lacking(workspace: Workspace, plan: Plan, folds: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the members of a plan's ensemble that are not trained; of other plans none.

    Args:
        workspace: of the plan.
        plan: with its name.
        folds: that all of them have to have; empty for any.
    """
    return tuple(name for name in plan.ensemble if not _is_trained(workspace, plan, name, folds))


def _is_trained(workspace: Workspace, plan: Plan, name: str, folds: Sequence[str]) -> bool:
    if not folds:
        return bool(workspace.trained_folds(plan.name, name))
    return all(is_fold(fold) and workspace.fold(plan.name, name, fold).weight_files() for fold in folds)


def _find_stages(
    workspace: Workspace, plan: Plan, name: str, folds: Sequence[str], read: Callable[[FoldFolder], Run]
) -> dict[str, tuple[FoldFolder, ...]]:
    """Return the folds of a configuration, last, and those of the configurations whose masks or boxes it uses."""
    own = _find_folds(workspace, plan, name, folds)
    runs = {folder.title(): read(folder) for folder in own}
    (title, first), *others = runs.items()
    for other, run in others:
        if (run.own().inputs, run.own().targets) != (first.own().inputs, first.own().targets):
            raise WorkspaceError(
                f"{workspace.root}: {title} and {other} use different results of other configurations, or learn "
                "different labels, so that they "
                "cannot be averaged. Choose folds of one kind with -f, or begin the others anew with `autoseg train "
                "FOLD --restart`."
            )
    needed = _list_stages(first.configurations, name, f"{own[0].root}")
    return {stage: own if stage == name else _find_folds(workspace, plan, stage, ()) for stage in needed}


def _list_stages(configurations: Sequence[Configuration], name: str, where: str) -> tuple[str, ...]:
    """Return the names of a configuration, last, and of those that it uses; not of those that it only starts from."""
    ordered = order_by_need(configurations, [name], where)
    needed = {name}
    for configuration in reversed(ordered):
        if configuration.name in needed:
            needed |= {entry.configuration for entry in configuration.inputs}
    return tuple(configuration.name for configuration in ordered if configuration.name in needed)


def _find_folds(workspace: Workspace, plan: Plan, name: str, folds: Sequence[str]) -> tuple[FoldFolder, ...]:
    if name not in workspace.configuration_names(plan.name):
        find_configuration(plan.configurations, name, f"plan {plan.name}")
    trained = workspace.trained_folds(plan.name, name)
    if not folds:
        if not trained:
            raise WorkspaceError(
                f"{workspace.root}: no fold of {name} is trained yet. Run `autoseg train 0{_option(plan, name)}` first."
            )
        return trained
    unknown = [fold for fold in folds if not is_fold(fold)]
    if unknown:
        raise PlanError(
            f"There is no fold '{unknown[0]}'. Give numbers of folds, or `{FULL}` for the model of all cases."
        )
    _refuse_doubled("fold", folds)
    chosen = tuple(workspace.fold(plan.name, name, fold) for fold in folds)
    missing = [folder.root.name for folder in chosen if not folder.weight_files()]
    if missing:
        there = ", ".join(folder.root.name for folder in workspace.folds(plan.name, name) if folder.weight_files())
        raise WorkspaceError(
            f"{workspace.root}: {', '.join(missing)} of {name} is not trained yet. Trained: {there or 'none'}."
        )
    return chosen


def _option(plan: Plan, name: str) -> str:
    return "" if name == plan.default_configuration else f" -c {name}"


def _list_names(scheme: LabelScheme) -> str:
    return ", ".join(f"{label.value} {label.name}" for label in scheme.labels)


def _refuse_doubled(what: str, names: Sequence[str]) -> None:
    """Make sure that nothing that is averaged counts twice."""
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise PlanError(f"{what} {doubled[0]} is named twice and would count twice in the average. Name each once.")


def _refuse_different(workspace: Workspace, plan: Plan, runs: Mapping[FoldFolder, Run]) -> None:
    """Make sure that all folds were trained for the same labels and channels: their probabilities are averaged.

    Raises:
        WorkspaceError: they were not; the message names the folds, what they were trained for, and the ways out.
    """
    kinds: dict[tuple[LabelScheme, tuple[str, ...]], list[FoldFolder]] = {}
    for folder, run in runs.items():
        kinds.setdefault((run.scheme, run.channels), []).append(folder)
    if len(kinds) == 1:
        return
    today = (plan.scheme, plan.channels)
    kept = today if today in kinds else next(iter(kinds))
    old = [folder for kind, folders in kinds.items() if kind != kept for folder in folders]
    each = "; ".join(f"{_name(folders)}: {_describe(*kind)}" for kind, folders in kinds.items())
    # Of the stages that a configuration needs, all folds are averaged: there is nothing to choose.
    alone = len({folder.root.parent for folder in runs}) == 1
    flags = " or ".join(" ".join(f"-f {one.name()}" for one in folders) for folders in kinds.values())
    choose = f"Choose folds of one kind ({flags}), or begin" if alone else "Begin"
    raise WorkspaceError(
        f"{workspace.root}: these folds were trained for different labels or channels, so that they cannot predict "
        f"together ({each}). {choose} {_name(old)} anew with `autoseg train FOLD --restart`, or keep plans of "
        "different labels apart (plan_and_preprocess --plan-name NEW)."
    )


def _name(folders: Iterable[FoldFolder]) -> str:
    return " and ".join(folder.title() for folder in folders)


def _describe(scheme: LabelScheme, channels: Sequence[str]) -> str:
    """Return labels and channels in words: `1 dark, 2 bright; T1w`."""
    parts = [_list_names(scheme)] if scheme.labels else []
    parts += [f"{region.name} of {'+'.join(map(str, region.values))}" for region in scheme.regions]
    parts += [] if scheme.ignore_value is None else [f"{scheme.ignore_value} ignored"]
    return f"labels {', '.join(parts)}; channels {', '.join(channels)}"
