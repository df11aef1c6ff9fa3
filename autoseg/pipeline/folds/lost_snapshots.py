"""Snapshots of a training that somebody deleted: the others predict without them, which is said and recorded."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from autoseg.models import Model, read_fold
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.names import counted, some_of

_log = logging.getLogger(__name__)
_NAMED = 3
# A training keeps a few: larger numbers are in the name of somebody's copy, or in a damaged record.
_MOST = 1000


def find_lost(folder: FoldFolder) -> tuple[str, ...]:
    """Return the names of the snapshots that a fold's training left and that are not there any more.

    Of a fold that was trained before their number was recorded, those after the last one that is there are not known.
    """
    there, left = folder.snapshots(), 0
    with suppress(FileFormatError):  # weights predict without it
        record = read_record(folder)
        left = 0 if record is None else record.snapshots
    last = max(number for number in (0, left, *there) if number <= _MOST)
    numbers = range(1, last + 1)
    return tuple(folder.snapshot(number).name for number in numbers if number not in there)


def describe_lost(folder: FoldFolder) -> str:
    """Return a sentence about the snapshots of a trained fold that are not there any more; empty where none is."""
    lost = find_lost(folder)
    if not lost:
        return ""
    left = counted(len(lost) + len(folder.snapshots()), "snapshot")
    are, them = ("is", "it") if len(lost) == 1 else ("are", "them")
    return (
        f"{folder.title()}: {len(lost)} of {left} of its training {are} missing ({some_of(lost, _NAMED)}), and the "
        f"others predict without {them}. Put {them} back into {folder.root}, or train the fold anew with --restart."
    )


def warn_of_lost(folders: Iterable[FoldFolder]) -> None:
    """Warn of each fold whose snapshots are not all there."""
    for sentence in filter(None, map(describe_lost, folders)):
        _log.warning("%s", sentence)


def read_counted(folder: FoldFolder) -> Model:
    """Return the model of a trained fold, which knows how many of its snapshots are missing.

    Raises:
        WorkspaceError: there are no weights, or they are damaged.
        FileFormatError: what the fold was begun with is damaged.
    """
    return replace(read_fold(folder), lost=len(find_lost(folder)))
