"""The public functions of the labelling loop, which `autoseg label` gives commands for.

They keep to what the module `face` says of all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.hardware import calm_threads
from autoseg.pipeline.faces.arguments import as_several
from autoseg.pipeline.faces.located import Location
from autoseg.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from autoseg.labelling.state import Choice, Round, Training, Way
    from autoseg.pipeline.labelling.accepting import Acceptance
    from autoseg.pipeline.labelling.status import LoopStatus
    from autoseg.pipeline.labelling.tabling import RoundsTable
    from autoseg.workspace.loop import LoopFolder


def start(
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
    training: Training | None = None,
    progress: Progress | None = None,
) -> LoopFolder:
    """Begin a labelling loop, and return its folder.

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
        training: as the rounds are trained; None for the usual way.
        progress: receiver of progress reports; None for none.

    Raises:
        AutosegError: the data cannot be used, or the folder holds something else.
    """
    from autoseg.labelling.state import USUAL_TRAINING
    from autoseg.pipeline.labelling.starting import StartOptions, start_loop
    from dataset_fingerprints.layouts import Selection

    options = StartOptions(
        labels=_find(labels),
        folder=_find(workspace),
        test=as_several(test),
        test_count=test_count,
        blocks=_find(blocks),
        minutes=_find(minutes),
        seed=seed,
        selection=Selection(channels=as_several(channels), mask=mask),
        training=training or USUAL_TRAINING,
    )
    return start_loop(Path(dataset).absolute(), _find(unlabelled), options, progress or SilentProgress())


def train(
    workspace: Location | None = None,
    training: Training | None = None,
    given: Collection[str] = (),
    progress: Progress | None = None,
    *,
    restart: bool = False,
) -> Round:
    """Train the round that is next, or go on with it, and return it with its scores on the held-out cases.

    Args:
        workspace: the loop's folder; None for the one in the current directory.
        training: how to train; None for as before.
        given: names of the fields of `training` that are meant; the others stay as in the round before.
        progress: receiver of progress reports; None for none.
        restart: begin a round that is not finished anew; what was trained of it is removed.

    Raises:
        AutosegError: nothing was labelled since the last training, or it cannot be done.
    """
    calm_threads()
    from autoseg.labelling.state import USUAL_TRAINING
    from autoseg.pipeline.labelling.spoken import LoopProgress, speaking_of_rounds
    from autoseg.pipeline.labelling.training import train_round
    from autoseg.workspace.loop import find_loop

    found = find_loop(_find(workspace))
    shown = LoopProgress(progress or SilentProgress())
    with speaking_of_rounds():
        return train_round(found, training or USUAL_TRAINING, given, shown, restart=restart)


def choose_next(
    workspace: Location | None = None,
    *,
    count: int | None = None,
    way: Way | None = None,
    without: Sequence[str] = (),
    progress: Progress | None = None,
) -> Choice:
    """Choose scans to label, write the model's masks of them for people to correct, and return the choice.

    Args:
        workspace: as for `train`.
        count: number of scans; None for the next block of the table.
        way: `uncertainty`, `random`, `order` or `block`; None for blocks where there is a table and no count, else
            uncertainty.
        without: scans that are given up, as they cannot be read or labelled: no round chooses them any more.
        progress: receiver of progress reports; None for none.

    Raises:
        AutosegError: the round is not trained, no scan is left, or all that were chosen are labelled.
    """
    calm_threads()
    from autoseg.pipeline.labelling.choosing import NextOptions
    from autoseg.pipeline.labelling.choosing import choose_next as run
    from autoseg.pipeline.labelling.loop_state import opened
    from autoseg.pipeline.labelling.spoken import LoopProgress, speaking_of_rounds
    from autoseg.workspace.loop import find_loop

    with speaking_of_rounds(), opened(find_loop(_find(workspace))) as found:
        options = NextOptions(count=count, way=way, without=as_several(without))
        return run(found, options, LoopProgress(progress or SilentProgress()))


def accept(
    folder: Location | None = None,
    workspace: Location | None = None,
    *,
    minutes: Location | None = None,
    allow: Collection[str] = (),
    progress: Progress | None = None,
) -> Acceptance:
    """Check corrected masks, take them in as copies, and write the tables of the next round.

    Args:
        folder: with the masks, called after the cases; None for the one that the last choice was written into.
        workspace: as for `train`.
        minutes: a table with the columns case, structure and minutes; None for minutes.csv beside the masks.
        allow: `empty` masks, masks that are `unchanged`, or `earlier` ones, which a later mask has replaced.
        progress: receiver of progress reports; None for none.

    Raises:
        DataError: no mask could be taken in, or the minutes cannot be meant.
        PartlyDoneError: some masks could not be taken in.
    """
    from autoseg.pipeline.labelling.accepting import AcceptOptions, accept_masks
    from autoseg.pipeline.labelling.loop_state import opened
    from autoseg.workspace.loop import find_loop

    with opened(find_loop(_find(workspace))) as found:
        options = AcceptOptions(minutes=_find(minutes), allow=as_several(allow))
        return accept_masks(found, _find(folder), options, progress or SilentProgress())


def table(workspace: Location | None = None, *, manual: Location | None = None) -> RoundsTable:
    """Write the table of all rounds as Markdown, CSV and a picture, and return it.

    Args:
        workspace: as for `train`.
        manual: a folder of masks of corrected scans that people labelled without a network as well.

    Raises:
        AutosegError: no round is trained, or the manual masks cannot be read.
    """
    from autoseg.pipeline.labelling.loop_state import opened
    from autoseg.pipeline.labelling.tabling import make_table
    from autoseg.workspace.loop import find_loop

    with opened(find_loop(_find(workspace))) as found:
        return make_table(found.folder, found.loop, _find(manual))


def status(workspace: Location | None = None) -> LoopStatus:
    """Return where a loop stands, and what is next; it may be at work.

    Args:
        workspace: as for `train`.
    """
    from autoseg.pipeline.labelling.loop_state import read_loop
    from autoseg.pipeline.labelling.status import describe_loop
    from autoseg.workspace.loop import find_loop

    folder = find_loop(_find(workspace))
    return describe_loop(folder, read_loop(folder))


def _find(place: Location | None) -> Path | None:
    return None if place is None else Path(place).absolute()
