"""Trained models of few steps, or trained further: whoever uses one is told, for no error says so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress

from autoseg.models import read_settings
from autoseg.pipeline.next_steps import name_train
from autoseg.training.policy import Policy
from autoseg.training.record import TrainingRecord, read_record
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.durations import suggest_minutes
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.names import counted
from planners.plan import Plan

# A time is suggested in which so many times the fewest steps fit.
_MORE = 5
_FEWEST_MINUTES = 5
# Minutes from which on they are said as hours.
_MANY_MINUTES = 120


def describe_short(workspace: Workspace, plan: Plan, folders: Iterable[FoldFolder]) -> str:
    """Return a sentence about those of some trained folds that were trained for few steps; empty where none was.

    Args:
        workspace: of the folds.
        plan: of the folds.
        folders: of the folds; one that is not trained, or whose record is not to be read, is left out.
    """
    short = [(folder, record) for folder in folders for record in _read_short(folder)]
    if not short:
        return ""
    (folder, record), *others = short
    options = _ask_for_more(max((one for _, one in short), key=_suggest_minutes))
    command = name_train(workspace, plan, folder.name(), *options, configuration=record.configuration)
    if not others:
        was = f"This model ({folder.title()}) was trained for {counted(record.iterations, 'step')} only"
        return f"{was}: expect poor masks. Train it longer: {command}."
    steps = "; ".join(f"{one.title()}: {counted(made.iterations, 'step')}" for one, made in short)
    return (
        f"These models were trained for few steps only ({steps}): expect poor masks. Train them longer: {command}, and "
        "so for the others."
    )


def measure_short(folders: Iterable[FoldFolder]) -> tuple[int, int] | None:
    """Return the steps of the shortest of some trained folds, and minutes to train all of them longer in.

    None where none was trained for few steps; see `describe_short`.
    """
    records = [record for folder in folders for record in _read_short(folder)]
    if not records:
        return None
    return min(record.iterations for record in records), max(map(_suggest_minutes, records))


def describe_few(steps: Mapping[str, int | None]) -> str:
    """Return a sentence about folds that were trained for few steps and cannot be trained further; or nothing.

    Args:
        steps: by the folds' titles; None where it is not known.
    """
    short = {title: made for title, made in steps.items() if made is not None and made < Policy().few_steps}
    if not short:
        return ""
    listed = "; ".join(f"{title}: {counted(made, 'step')}" for title, made in short.items())
    return f"This model was trained for few steps only ({listed}): expect poor masks."


def describe_unfinished(folders: Iterable[FoldFolder]) -> str:
    """Return a sentence about trained folds that are being trained further, or were stopped at it; or nothing.

    Args:
        folders: of folds with weights.
    """
    names = []
    for folder in folders:
        with suppress(FileFormatError):
            record = read_record(folder)
            names += [folder.title()] if record is not None and record.status == "training" else []
    if not names:
        return ""
    return (
        f"{'; '.join(names)}: trained further, which has not ended. Until it has, the weights of before predict; the "
        "same `autoseg train` goes on with it."
    )


def _read_short(folder: FoldFolder) -> Iterable[TrainingRecord]:
    """Yield a fold's record where its training has ended and was short: one from a trained model may be."""
    with suppress(FileFormatError):  # weights predict without it
        record = read_record(folder)
        few = record is not None and record.status != "training" and record.iterations < Policy().few_steps
        if record is not None and few and not (folder.run.is_file() and read_settings(folder).start):
            yield record


def _ask_for_more(record: TrainingRecord) -> tuple[str, str]:
    """Return the option with which a fold goes on, and its value."""
    minutes = _suggest_minutes(record)
    if minutes < _MANY_MINUTES:
        return "--max-minutes", f"{minutes:g}"
    return "--max-hours", f"{math.ceil(minutes / 60):g}"


def _suggest_minutes(record: TrainingRecord) -> int:
    """Return round minutes in which some more steps fit; more than the fold has had, for only these extend it."""
    needed = record.seconds / max(record.iterations, 1) * _MORE * Policy().few_steps / 60
    least = max(needed, 2 * (record.max_minutes or 0.0), record.seconds / 60)
    return max(_FEWEST_MINUTES, suggest_minutes(least))
