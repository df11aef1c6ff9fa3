"""The state of a labelling loop on the disk, and the tables of cases that its rounds work on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autoseg.labelling.state import Loop
from autoseg.workspace.locks import locked
from autoseg.workspace.loop import LoopFolder, RoundFolder
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.files.atomic import sweep, sweep_partials, write_bytes
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.layouts.description import describe_scheme

_REMEDY = "Put a copy of it back: it is the only file that knows the loop; masks and models are not changed by it."
_COLUMNS = ("label", "case", "subject", "session", "site", "group", "task")


@dataclass(kw_only=True, slots=True)
class OpenLoop:
    """A loop that this process alone works on.

    Attributes:
        folder: of the loop.
        loop: its state, as it is on the disk.
    """

    folder: LoopFolder
    loop: Loop

    def keep(self, loop: Loop) -> None:
        """Write a new state, in one step."""
        write_json(self.folder.state, loop)
        self.loop = loop

    def now(self) -> RoundFolder:
        """Return the folder of the last round."""
        return self.folder.round(self.loop.current().number)


def read_loop(folder: LoopFolder) -> Loop:
    """Return the state of a loop.

    Raises:
        AutosegError: it is missing or damaged.
    """
    return read_json(folder.state, Loop, _REMEDY)


@contextmanager
def opened(folder: LoopFolder) -> Iterator[OpenLoop]:
    """Open a loop, and keep other processes out of it while the block runs; what a killed one left is removed.

    Raises:
        AutosegError: another process works on it, or its state is damaged.
    """
    with locked(folder.root, "this labelling loop"):
        sweep(folder.root, *folder.mask_folders())
        yield OpenLoop(folder=folder, loop=read_loop(folder))


def find_mask(folder: LoopFolder, loop: Loop, case: Case) -> str:
    """Return the path of the mask that counts of a case; empty where it has none."""
    taken = loop.latest().get(case.name)
    return case.label if taken is None else str(folder.masks / taken.file)


def write_tables(folder: LoopFolder, loop: Loop, number: int) -> None:
    """Write the tables that a round works on: labelled cases, scans without labels, held-out cases. No voxel is copied.

    Tables of a round that has begun stay: a mask that came since is for the next one.

    Args:
        folder: of the loop.
        loop: its state.
        number: of the round.
    """
    place = folder.round(number)
    sweep_partials(place.dataset, place.unlabelled, place.test, place.description)
    begun = number <= len(loop.rounds)
    labelled = loop.rounds[number - 1].cases if begun else loop.labelled()
    for path, names in ((place.dataset, labelled), (place.unlabelled, loop.unlabelled()), (place.test, loop.test)):
        if begun and path.is_file():
            continue
        if names:
            write_cases(path, folder, loop, names)
        else:
            path.unlink(missing_ok=True)
    write_json(place.description, describe_scheme(loop.labels))


def write_cases(path: Path, folder: LoopFolder, loop: Loop, names: Sequence[str]) -> None:
    """Write a table of cases with the paths of their scans and masks, as training takes it."""
    columns = [f"image:{channel}" for channel in loop.channels]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, *_COLUMNS])
    for name in names:
        case = loop.case(name)
        known = (case.name, case.subject, case.session, case.site, case.group, case.task)
        writer.writerow([*case.images, find_mask(folder, loop, case), *known])
    write_bytes(path, text.getvalue().encode())
