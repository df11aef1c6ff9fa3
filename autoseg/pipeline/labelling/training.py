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
from autoseg.pipeline.folds.runs import list_runs, name_folds
from autoseg.pipeline.labelling.early_checks import check_fold, check_training
from autoseg.pipeline.labelling.inheriting import inherit
from autoseg.pipeline.labelling.judging import judge_round
from autoseg.pipeline.labelling.loop_state import OpenLoop, opened, write_tables
from autoseg.pipeline.labelling.round_folds import write_folds
from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.pipeline.plans.planning import PlanningOptions, plan_and_preprocess
from autoseg.pipeline.plans.reading import read_plan
from autoseg.progress import Progress
from autoseg.workspace.fold import ALL, FULL
from autoseg.workspace.locks import locked
from autoseg.workspace.loop import LoopFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.names import counted, show_name, some_of
from planners.editing.following import Followed
from planners.order import order_by_need
from planners.plan import Configuration, Plan

_LENGTHS = frozenset(("iterations", "max_minutes"))
_PLAN = "default"
# What a plan follows from, as options are called; training a begun fold on by another plan is refused.
_PLANNED = {
    "planner": "--planner",
    "own_plan": "--own-plan or --like-last",
    "assignments": "--set",
    "scale": "--scale",
    "gpu_memory_gb": "--gpu-memory-gb",
}
_NAMED = 10


def train_round(
    folder: LoopFolder, asked: Training, given: Collection[str], progress: Progress, *, restart: bool = False
) -> Round:
    """Train the round that is next, or go on with it, and return it with its scores on the held-out cases.

    Masks can be taken in meanwhile: they are for the round after it.

    Args:
        folder: of the loop.
        asked: how to train.
        given: the fields of it that a person gave; the others stay as in the round before.
        progress: receiver of progress reports.
        restart: whether what was trained of the round is removed first.

    Raises:
        AutosegError: nothing was labelled since the last training, or the training cannot be done.
    """
    started = time.monotonic()
    with ExitStack() as held:
        with opened(folder) as found:
            before = found.loop.current()
            own = _choose_round(found, asked, given, restart=restart)
            # Before anything is written: a second process must not change what the first one trains.
            place = found.folder.round(own.number)
            held.enter_context(locked(place.root, f"the training of round {own.number}"))
            begun = _begin(found, own, progress)
        try:
            plan = _plan(begun, own, progress)
            _refuse_seen(begun, own, plan)
        except PlanError:
            _take_back(folder, own, before)
            raise
        try:
            _train(begun, own, plan, progress, restart=restart)
        except PlanError:
            if not any(list_runs(place.workspace, _PLAN)):
                _take_back(folder, own, before)
            raise
        scores = judge_round(begun, choose_models(own), progress)
        own = replace(own, scores=scores, seconds=round(own.seconds + time.monotonic() - started, 1))
        with opened(folder) as found:
            found.keep(found.loop.with_round(own))
    return own


def _take_back(folder: LoopFolder, own: Round, before: Round) -> None:
    """Let a round be as it was before: options of which nothing can be made are not for later commands."""
    with opened(folder) as found:
        kept = before if before.number == own.number else replace(own, training=before.training)
        found.keep(found.loop.with_round(kept))


def choose_models(own: Round) -> ModelChoice:
    """Return what of a round's workspace predicts."""
    names = () if own.training.configuration is None else (own.training.configuration,)
    folds = () if own.training.fold == ALL else (own.training.fold,)
    return ModelChoice(configurations=names, folds=folds)


def _choose_round(found: OpenLoop, asked: Training, given: Collection[str], *, restart: bool) -> Round:
    """Return the round to train: the last one until it is finished, then the next one with all that is labelled.

    A finished round is trained once more, anew or further, as long as no scan was chosen with its model.

    Raises:
        AutosegError: nothing was labelled since the last one, or an option cannot be meant.
    """
    loop, last = found.loop, found.loop.current()
    training = settle(last.training, asked, given)
    check_training(training)
    if not last.scores or _trains_again(found, given, restart=restart):
        check_fold(found, last.number, training.fold)
        if not restart:
            _refuse_other_plan(found, training)
        return replace(last, training=training, scores=(), seconds=0.0 if restart else last.seconds)
    if not loop.news():
        waiting = len(loop.awaited())
        cure = "choose scans to label with `autoseg label next --count K`"
        if waiting:
            cure = f"{counted(waiting, 'scan is', 'scans are')} to be corrected and given to `autoseg label accept`"
        elif last.choice is None:
            cure += f", or train round {last.number} further (--max-minutes, --iterations) or anew (--restart)"
        raise PlanError(
            f"{found.folder.root}: round {last.number} is trained, and no mask was taken in since. Expected some: "
            f"{cure}."
        )
    check_fold(found, last.number + 1, training.fold)
    return Round(number=last.number + 1, cases=loop.labelled(), training=training)


def _trains_again(found: OpenLoop, given: Collection[str], *, restart: bool) -> bool:
    """Return whether the last round, which is finished, is trained anew, or further for a length that is given.

    Raises:
        PlanError: it is to be begun anew, and scans were chosen with its model.
    """
    loop, last = found.loop, found.loop.current()
    if restart and last.choice is not None:
        raise PlanError(
            f"{found.folder.root}: round {last.number} is finished, and is not begun anew: scans were chosen with its "
            "model, whose masks people correct. Leave --restart out, and train the next round longer (--max-minutes, "
            "--iterations) when masks are taken in."
        )
    return restart or (last.choice is None and not loop.news() and not _LENGTHS.isdisjoint(given))


def _refuse_other_plan(found: OpenLoop, training: Training) -> None:
    """Refuse what would change the plan of a round whose training is begun, before it is kept.

    Raises:
        PlanError: something would; the message names the options.
    """
    own = found.loop.current()
    # The first round follows no model in any case.
    planned = {name: option for name, option in _PLANNED.items() if own.number > 1 or name != "own_plan"}
    others = [option for name, option in planned.items() if getattr(training, name) != getattr(own.training, name)]
    if others and any(list_runs(found.now().workspace, _PLAN)):
        raise PlanError(
            f"{found.folder.root}: the training of round {own.number} was begun with another value of "
            f"{', '.join(others)}. Leave it out to go on with what was begun, or add --restart, which removes that and "
            "begins the round's training anew."
        )


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
    if like is not None:
        _refuse_unfollowed(begun, own, like)
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
    planned = {entry.name for one in before for entry in read_plan(one, _PLAN)[0].configurations}
    lost = planned - {entry.name for entry in like.run.configurations}
    yield from (one for one in own.training.assignments if one.split("=")[0].split(".")[0].strip() not in lost)


def _find_followed(begun: OpenLoop, number: int) -> Followed | None:
    """Return the model of the round before, so that all of its weights fit; None in the first round."""
    if number < 2:
        return None
    before = begun.folder.round(number - 1).workspace
    source = find_source(before, choose_models(begun.loop.rounds[number - 2]))
    return Followed(name=show_name(f"round {number - 1}"), run=source.run)


def _refuse_unfollowed(begun: OpenLoop, own: Round, like: Followed) -> None:
    """Make sure that a round that is planned like a model trains a configuration that this model has.

    Raises:
        PlanError: it has none of that name.
    """
    wanted, known = own.training.configuration, [entry.name for entry in like.run.configurations]
    if wanted is not None and wanted not in known:
        raise PlanError(
            f"{begun.folder.root}: round {own.number} is planned like the model of round {own.number - 1}, which is of "
            f"{like.run.configuration}, and -c names {wanted}. Leave -c out, or add --own-plan: the planner makes the "
            f"plan then, and {wanted} starts from random weights."
        )


def _refuse_seen(begun: OpenLoop, own: Round, plan: Plan) -> None:
    """Make sure that no fold starts from weights of the round before that know cases that it is judged on.

    A fold keeps its cases from round to round, so that its own weights of the round before know none of them.

    Raises:
        PlanError: one would, and nobody said that it may.
    """
    training = own.training
    if own.number < 2 or training.fold == FULL or training.allow_seen:
        return
    before = begun.folder.round(own.number - 1).workspace
    folds: tuple[str, ...] = (training.fold,)
    if training.fold == ALL:
        folds = name_folds(read_plan(begun.now().workspace, plan.name)[1])
    for configuration in _list_trained(own, plan):
        # What starts from another configuration takes no weights of the round before.
        trained = () if configuration.initial is not None else before.trained_folds(_PLAN, configuration.name)
        known = [folder.name() for folder in trained]
        seen = [fold for fold in folds if known and fold not in known]
        if seen:
            raise PlanError(
                f"{begun.folder.root}: {configuration.name}, fold {some_of(seen, _NAMED)}, would start from weights of "
                f"round {own.number - 1} (fold {some_of(known, _NAMED)}) that were trained on cases that it is judged "
                "on. Train what that round trained (--fold), one model of all cases (--fold full), or add "
                "--allow-seen, which trains and marks the scores of the folds. Held-out cases are in no round: their "
                "scores are not touched by it."
            )


def _list_trained(own: Round, plan: Plan) -> tuple[Configuration, ...]:
    """Return the configuration that a round trains, after those that it needs."""
    wanted = own.training.configuration or plan.default_configuration
    return order_by_need(plan.configurations, (wanted,), f"plan {plan.name}")


def _train(begun: OpenLoop, own: Round, plan: Plan, progress: Progress, *, restart: bool) -> None:
    """Train the configuration of the round after those that it needs, each from its weights of the round before."""
    workspace, training = begun.now().workspace, own.training
    before = begun.folder.round(own.number - 1).workspace if own.number > 1 else None
    for configuration in _list_trained(own, plan):
        # What starts from another configuration, as its plan says (initial), cannot start from a model as well.
        weights = _find_weights(before, configuration.name) if configuration.initial is None else None
        options = TrainingOptions(
            configuration=configuration.name,
            iterations=training.iterations,
            max_minutes=training.max_minutes,
            restart=restart,
            from_model=weights,
            allow_seen=training.allow_seen and weights is not None,
        )
        if training.fold == ALL:
            train_all(workspace, options, progress)
        else:
            train_fold(workspace, training.fold, options, progress)


def _find_weights(before: Workspace | None, configuration: str) -> str | None:
    """Return the workspace whose weights a configuration starts from; None where it has none of it."""
    if before is None:
        return None
    plan, _ = read_plan(before, _PLAN)
    return str(before.root) if before.trained_folds(plan.name, configuration) else None
