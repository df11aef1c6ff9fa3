"""The public functions of the labelling loop: `autoseg label next` calls `label_next`, and so on.

They keep to what the module `face` says of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from autoseg.hardware import calm_threads
from autoseg.pipeline.faces.arguments import (
    PATH,
    as_number,
    as_several,
    as_whole_number,
    check_argument,
    check_arguments,
)
from autoseg.pipeline.faces.located import Location
from autoseg.progress import Progress, SilentProgress
from dataset_fingerprints.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from autoseg.labelling.state import Choice, Round, Training, Way
    from autoseg.pipeline.labelling.accepting import Acceptance
    from autoseg.pipeline.labelling.status import LoopStatus
    from autoseg.pipeline.labelling.tabling import RoundsTable
    from autoseg.workspace.loop import LoopFolder

__all__ = ["label_accept", "label_next", "label_start", "label_status", "label_table", "label_train"]

# How a round is to be trained is kept in a file: in Python's own types.
_CONVERTED: Mapping[str, Callable[[Any], Any]] = {
    "fold": str,
    "assignments": as_several,
    "scale": as_number,
    "gpu_memory_gb": as_number,
    "iterations": as_whole_number,
    "max_minutes": as_number,
}
_PATHS = frozenset({"blocks", "dataset", "folder", "labels", "manual", "minutes", "unlabelled", "workspace"})


def label_start(
    dataset: Location,
    *,
    unlabelled: Location | None = None,
    labels: Location | None = None,
    workspace: Location | None = None,
    test: Sequence[str] = (),
    test_count: int | None = None,
    blocks: Location | None = None,
    minutes: Location | None = None,
    channels: Sequence[str] = (),
    mask: str = "",
    seed: int = 0,
    planner: str | None = None,
    own_plan: bool | None = None,
    configuration: str | None = None,
    fold: int | str | None = None,
    assignments: Sequence[str] = (),
    scale: float | None = None,
    gpu_memory_gb: float | None = None,
    iterations: int | None = None,
    max_minutes: float | None = None,
    progress: Progress | None = None,
) -> LoopFolder:
    """Begin a labelling loop, in which a network and people label scans in turn, and return its folder.

    Args:
        dataset: the labelled cases, as training takes them.
        unlabelled: scans without labels: a folder, or a CSV or TSV of paths; None for the cases of a table whose lines
            name no label map.
        labels: the folder of the label maps, where `dataset` is the folder of the scans.
        workspace: the loop's folder; None for `<name>-labelling` in the current directory.
        test: names of the cases to hold out for good; empty for some that are drawn, by subject.
        test_count: number of cases to draw; None for a fifth.
        blocks: a table with the columns case and block, for rounds of fixed blocks.
        minutes: a table with the columns case, structure and minutes: what labelling without a network took.
        channels: of a tree or a CSV, the images to take.
        mask: of a tree with several kinds of label maps, a part of the names of those that are meant.
        seed: of what is drawn, and of the trainings.
        planner: what decides the plan; None for `default`.
        own_plan: the planner alone plans later rounds, too; None or False to plan them like the last round's model.
        configuration: one of the plan's, such as `2d`; None for its default.
        fold: `full` for one model of all cases, `all` for a cross-validation, or a fold's number; None for `full`.
        assignments: values of the plan to change: `batch_size=2`.
        scale: divide features, patch and batch by this, to try the plan out; None for full size.
        gpu_memory_gb: plan for a GPU with so many GiB; None for this machine.
        iterations: steps of a training; None for the plan's.
        max_minutes: for a training of one fold and configuration; None for as long as it takes.
        progress: receiver of progress reports; None for none.

    Raises:
        AutosegError: the data cannot be used, or the folder holds something else.

    Examples:
        >>> loop = autoseg.label_start("LABELLED", unlabelled="SCANS", workspace="LOOP", scale=4)
        >>> autoseg.label_train("LOOP")
        >>> autoseg.label_next("LOOP", count=8).names()
        >>> autoseg.label_accept(workspace="LOOP")  # after people have corrected the masks
    """
    arguments = dict(locals())
    check_argument("dataset", dataset, PATH)
    _check(arguments)
    from autoseg.pipeline.labelling.starting import StartOptions, start_loop
    from dataset_fingerprints.layouts import Selection

    asked, _ = _ask(arguments)
    options = StartOptions(
        labels=_find(labels),
        folder=_find(workspace),
        test=as_several(test),
        test_count=as_whole_number(test_count),
        blocks=_find(blocks),
        minutes=_find(minutes),
        seed=int(seed),
        selection=Selection(channels=as_several(channels), mask=mask),
        training=asked,
    )
    return start_loop(Path(dataset).absolute(), _find(unlabelled), options, progress or SilentProgress())


def label_train(
    workspace: Location | None = None,
    *,
    planner: str | None = None,
    own_plan: bool | None = None,
    configuration: str | None = None,
    fold: int | str | None = None,
    assignments: Sequence[str] = (),
    scale: float | None = None,
    gpu_memory_gb: float | None = None,
    iterations: int | None = None,
    max_minutes: float | None = None,
    allow_seen: bool | None = None,
    restart: bool = False,
    progress: Progress | None = None,
) -> Round:
    """Train the round that is next, or go on with it, and return it with its scores on the held-out cases.

    What is given holds for later rounds, too; all else is as in the round before.

    Args:
        workspace: the loop's folder; None for the one in the current directory.
        planner: what decides the plan.
        own_plan: whether the planner alone plans later rounds, or they are planned like the last round's model.
        configuration: one of the plan's, such as `2d`.
        fold: `full` for one model of all cases, `all` for a cross-validation, or a fold's number.
        assignments: values of the plan to change, in place of those given before; empty for these.
        scale: divide features, patch and batch by this, to try the plan out.
        gpu_memory_gb: plan for a GPU with so many GiB.
        iterations: steps instead of the plan's; more than before train a finished round further, as long as no scan
            was chosen with its model and no mask was taken in.
        max_minutes: for one fold and configuration; as for `iterations`.
        allow_seen: start folds also from weights of the round before that know cases to be judged on: marks scores.
        restart: begin the last round anew, as long as no scan was chosen with its model; what was trained of it is
            removed.
        progress: receiver of progress reports; None for none.

    Raises:
        AutosegError: nothing was labelled since the last training, or it cannot be done.

    Examples:
        >>> trained = autoseg.label_train("LOOP", max_minutes=30)
        >>> [score.dice for score in trained.scores]
    """
    arguments = dict(locals())
    _check(arguments)
    calm_threads()
    from autoseg.pipeline.labelling.spoken import LoopProgress, speaking_of_rounds
    from autoseg.pipeline.labelling.training import train_round
    from autoseg.workspace.loop import find_loop

    asked, given = _ask(arguments)
    found = find_loop(_find(workspace))
    with speaking_of_rounds():
        return train_round(found, asked, given, LoopProgress(progress or SilentProgress()), restart=restart)


def label_next(
    workspace: Location | None = None,
    *,
    count: int | None = None,
    way: Way | None = None,
    without: Sequence[str] = (),
    progress: Progress | None = None,
) -> Choice:
    """Choose scans to label, write the model's masks of them for people to correct, and return the choice.

    Args:
        workspace: as for `label_train`.
        count: number of scans; None for the next block of the table.
        way: `uncertainty`, `random`, `order` or `block`; None for blocks where there is a table and no count, else
            uncertainty.
        without: scans that are given up, as they cannot be read or labelled: no round chooses them any more.
        progress: receiver of progress reports; None for none.

    Raises:
        AutosegError: the round is not trained, no scan is left, or all that were chosen are labelled.
    """
    _check(locals())
    from autoseg.labelling.state import Way

    if way is not None and way not in get_args(Way):
        raise ArgumentError(f"way is {way!r}. {did_you_mean(str(way), get_args(Way))}")
    calm_threads()
    from autoseg.pipeline.labelling.choosing import NextOptions
    from autoseg.pipeline.labelling.choosing import choose_next as run
    from autoseg.pipeline.labelling.loop_state import opened
    from autoseg.pipeline.labelling.spoken import LoopProgress, speaking_of_rounds
    from autoseg.workspace.loop import find_loop

    with speaking_of_rounds(), opened(find_loop(_find(workspace))) as found:
        options = NextOptions(count=as_whole_number(count), way=way, without=as_several(without))
        return run(found, options, LoopProgress(progress or SilentProgress()))


def label_accept(
    folder: Location | None = None,
    workspace: Location | None = None,
    *,
    minutes: Location | None = None,
    allow: Sequence[str] = (),
    progress: Progress | None = None,
) -> Acceptance:
    """Check corrected masks, take them in as copies, and write the tables of the next round.

    Args:
        folder: with the masks, called after the cases; None for the one that the last choice was written into. A loop's
            folder alone is taken for `workspace`, which the other functions take first.
        workspace: as for `label_train`.
        minutes: a table with the columns case, structure and minutes; None for minutes.csv beside the masks.
        allow: `empty` masks, masks that are `unchanged`, or `earlier` ones, which a later mask has replaced.
        progress: receiver of progress reports; None for none.

    Raises:
        DataError: no mask could be taken in, or the minutes cannot be meant.
        PartlyDoneError: some masks could not be taken in.
    """
    _check(locals())
    from autoseg.pipeline.labelling.accepting import AcceptOptions, accept_masks
    from autoseg.pipeline.labelling.loop_state import opened
    from autoseg.workspace.loop import find_loop, is_loop

    if folder is not None and workspace is None and is_loop(Path(folder)):
        folder, workspace = None, folder
    with opened(find_loop(_find(workspace))) as found:
        options = AcceptOptions(minutes=_find(minutes), allow=as_several(allow))
        return accept_masks(found, _find(folder), options, progress or SilentProgress())


def label_table(workspace: Location | None = None, *, manual: Location | None = None) -> RoundsTable:
    """Write the table of all rounds as Markdown, CSV and a picture, and return it.

    Args:
        workspace: as for `label_train`.
        manual: a folder of masks of corrected scans that people labelled without a network as well.

    Raises:
        AutosegError: no round is trained, or the manual masks cannot be read.
    """
    _check(locals())
    from autoseg.pipeline.labelling.loop_state import opened
    from autoseg.pipeline.labelling.tabling import make_table
    from autoseg.workspace.loop import find_loop

    with opened(find_loop(_find(workspace))) as found:
        return make_table(found.folder, found.loop, _find(manual))


def label_status(workspace: Location | None = None) -> LoopStatus:
    """Return where a loop stands, and the command that is next; it may be at work.

    Args:
        workspace: as for `label_train`.
    """
    _check(locals())
    from autoseg.pipeline.labelling.loop_state import read_loop
    from autoseg.pipeline.labelling.status import describe_loop
    from autoseg.workspace.loop import find_loop

    folder = find_loop(_find(workspace))
    return describe_loop(folder, read_loop(folder))


def _find(place: Location | None) -> Path | None:
    return None if place is None else Path(place).absolute()


def _check(arguments: Mapping[str, Any]) -> None:
    """Make sure that arguments have the types that they are documented with; all of them may be None here.

    Raises:
        ArgumentError: one has not; the message names it.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    for name, value in given.items():
        if name in _PATHS:
            check_argument(name, value, PATH)
    check_arguments(given)


def _ask(arguments: Mapping[str, Any]) -> tuple[Training, tuple[str, ...]]:
    """Return how a round is to be trained by the arguments of a function, and the names of what was given for it."""
    from autoseg.labelling.state import Training

    given: dict[str, Any] = {}
    for name in (one.name for one in fields(Training)):
        value, convert = arguments.get(name), _CONVERTED.get(name)
        value = value if value is None or convert is None else convert(value)
        if value not in (None, ()):
            given[name] = value
    return Training(**given), tuple(given)
