"""A round's training: planned like the round before, started from its weights, judged on the held-out cases."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from autoseg.labelling.state import Round, Training
from autoseg.pipeline.folds.cross_validation import train_all
from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.pipeline.folds.one_fold import train_fold
from autoseg.pipeline.labelling.inheriting import inherit
from autoseg.pipeline.labelling.judging import judge_round
from autoseg.pipeline.labelling.loop_state import OpenLoop, opened, write_tables
from autoseg.pipeline.labelling.round_folds import write_folds
from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.pipeline.plans.planning import PlanningOptions, plan_and_preprocess
from autoseg.pipeline.plans.reading import read_plan
from autoseg.progress import Progress
from autoseg.workspace.fold import ALL
from autoseg.workspace.locks import locked
from autoseg.workspace.loop import LoopFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.names import check_fold_name, counted, show_name
from planners.editing.following import Followed
from planners.editing.scaling import check_scale
from planners.order import order_by_need
from planners.plan import Plan

_LENGTHS = frozenset(("iterations", "max_minutes"))


def train_round(folder: LoopFolder, asked: Training, given: Collection[str], progress: Progress) -> Round:
    """Train the round that is next, or go on with it, and return it with its scores on the held-out cases.

    Masks can be taken in meanwhile: they are for the round after it.

    Args:
        folder: of the loop.
        asked: how to train.
        given: the fields of it that a person gave; the others stay as in the round before.
        progress: receiver of progress reports.

    Raises:
        AutosegError: nothing was labelled since the last training, or the training cannot be done.
    """
    started = time.monotonic()
    with ExitStack() as held:
        with opened(folder) as found:
            own = _choose_round(found, asked, given)
            # Before anything is written: a second process must not change what the first one trains.
            place = found.folder.round(own.number)
            held.enter_context(locked(place.root, f"the training of round {own.number}"))
            begun = _begin(found, own, progress)
        plan = _plan(begun, own, progress)
        _train(begun, own, plan, progress)
        scores = judge_round(begun, choose_models(own), progress)
        own = replace(own, scores=scores, seconds=round(own.seconds + time.monotonic() - started, 1))
        with opened(folder) as found:
            found.keep(found.loop.with_round(own))
    return own


def choose_models(own: Round) -> ModelChoice:
    """Return what of a round's workspace predicts."""
    names = () if own.training.configuration is None else (own.training.configuration,)
    folds = () if own.training.fold == ALL else (own.training.fold,)
    return ModelChoice(configurations=names, folds=folds)


def _choose_round(found: OpenLoop, asked: Training, given: Collection[str]) -> Round:
    """Return the round to train: the last one until it is finished, then the next one with all that is labelled.

    Raises:
        AutosegError: nothing was labelled since the last one, or an option cannot be meant.
    """
    loop, last = found.loop, found.loop.current()
    training = settle(last.training, asked, given)
    _check(training)
    if not last.scores:
        return replace(last, training=training)
    if not loop.news():
        waiting = len(loop.awaited())
        cure = "choose scans to label with `autoseg label next --count K`"
        if waiting:
            cure = f"{counted(waiting, 'scan is', 'scans are')} to be corrected and given to `autoseg label accept`"
        raise PlanError(
            f"{found.folder.root}: round {last.number} is trained, and no mask was taken in since. Expected some: "
            f"{cure}."
        )
    return Round(number=last.number + 1, cases=loop.labelled(), training=training)


def _check(training: Training) -> None:
    """Refuse at once what would else be kept for later rounds, and be refused when all cases are preprocessed.

    Raises:
        AutosegError: an option cannot be meant; the message names it.
    """
    if training.fold != ALL:
        check_fold_name(training.fold)
    check_scale(training.scale)
    TrainingOptions(iterations=training.iterations, max_minutes=training.max_minutes).check()


def _begin(found: OpenLoop, own: Round, progress: Progress) -> OpenLoop:
    """Write a round and its tables, and return the loop as it is then."""
    loop = found.loop
    if own.number > loop.current().number:
        write_tables(found.folder, loop, own.number)
        progress.say(f"Round {own.number}: {counted(len(own.cases), 'case')}, {len(loop.news())} of them new.")
    found.keep(loop.with_round(own))
    write_tables(found.folder, found.loop, own.number)
    return replace(found)


def settle(before: Training, asked: Training, given: Collection[str]) -> Training:
    """Return how a round is trained: as the one before, but for what is given; a new length replaces the old one."""
    changes: dict[str, Any] = {name: getattr(asked, name) for name in given}
    if not _LENGTHS.isdisjoint(given):
        changes = dict.fromkeys(_LENGTHS) | changes
    return replace(before, **changes)


def _plan(begun: OpenLoop, own: Round, progress: Progress) -> Plan:
    """Plan and preprocess the round's cases, as far as that is not done."""
    place, training = begun.now(), own.training
    if own.number > 1:
        inherit(begun.folder.round(own.number - 1).workspace, place.workspace, own.cases)
    divided = write_folds(begun.folder, begun.loop, own.number)
    like = None if training.own_plan else _find_followed(begun, own.number)
    options = PlanningOptions(
        workspace=place.workspace.root,
        planner=training.planner,
        gpu_memory_gb=training.gpu_memory_gb,
        configurations=() if training.configuration is None else (training.configuration,),
        splits=place.folds if divided else None,
        seed=begun.loop.seed,
        assignments=training.assignments if like is None else tuple(_keep_assignments(begun, own, like)),
        like=like,
        # A model that is followed is scaled already.
        scale=training.scale if like is None else 1.0,
    )
    _, plan = plan_and_preprocess(place.dataset, options, progress)
    return plan


def _keep_assignments(begun: OpenLoop, own: Round, like: Followed) -> Iterator[str]:
    """Yield the values to set but those of configurations that an earlier round has planned and not trained."""
    before = [begun.folder.round(number).workspace for number in range(1, own.number)]
    planned = {entry.name for one in before for entry in read_plan(one, "default")[0].configurations}
    lost = planned - {entry.name for entry in like.run.configurations}
    yield from (one for one in own.training.assignments if one.split("=")[0].split(".")[0].strip() not in lost)


def _find_followed(begun: OpenLoop, number: int) -> Followed | None:
    """Return the model of the round before, so that all of its weights fit; None in the first round."""
    if number < 2:
        return None
    before = begun.folder.round(number - 1).workspace
    source = find_source(before, choose_models(begun.loop.rounds[number - 2]))
    return Followed(name=show_name(f"round {number - 1}"), run=source.run)


def _train(begun: OpenLoop, own: Round, plan: Plan, progress: Progress) -> None:
    """Train the configuration of the round after those that it needs, each from its weights of the round before."""
    workspace, training = begun.now().workspace, own.training
    before = begun.folder.round(own.number - 1).workspace if own.number > 1 else None
    wanted = training.configuration or plan.default_configuration
    for configuration in order_by_need(plan.configurations, (wanted,), f"plan {plan.name}"):
        options = TrainingOptions(
            configuration=configuration.name,
            iterations=training.iterations,
            max_minutes=training.max_minutes,
            from_model=_find_weights(before, configuration.name),
        )
        if training.fold == ALL:
            train_all(workspace, options, progress)
        else:
            train_fold(workspace, training.fold, options, progress)


def _find_weights(before: Workspace | None, configuration: str) -> str | None:
    """Return the workspace whose weights a configuration starts from; None where it has none of it."""
    if before is None:
        return None
    plan, _ = read_plan(before, "default")
    return str(before.root) if before.trained_folds(plan.name, configuration) else None
