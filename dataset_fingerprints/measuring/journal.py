"""Measurements so far, written line by line while a pass goes on, so that a killed pass loses one case."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from dataset_fingerprints.dataset import Dataset, LabelScheme
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files.atomic import replacing
from dataset_fingerprints.files.jsonfiles import parse_json, to_line, to_sealed_line
from dataset_fingerprints.files.opening import naming, open_to_write, write_all
from dataset_fingerprints.fingerprint import SCHEMA_VERSION
from dataset_fingerprints.measuring.one_pass import Known

# More than any line of ours; what follows is damaged.
_LONGEST_LINE = 1 << 26


@dataclass(frozen=True, kw_only=True, slots=True)
class Heading:
    """The first line of a journal: what the measurements in it were made of, and by which version of the code."""

    channels: tuple[str, ...]
    scheme: LabelScheme
    schema_version: int = SCHEMA_VERSION


@dataclass(kw_only=True, slots=True)
class Journal:
    """An open journal; lines may come from several threads."""

    stream: BinaryIO
    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, known: Known) -> None:
        """Add a line. It is handed to the system in one piece: it outlives a killed process, not a power cut."""
        line = to_sealed_line(known)
        with self._lock, naming(self.path):
            write_all(self.stream, line)


def journal_path(folder: Path, dataset: Dataset) -> Path:
    """Return where the journal of a data set lies: one file per set of channels and labels.

    A mistake in dataset.json so begins another journal and does not cost what was measured.
    """
    key = hashlib.sha256(to_line(_heading_of(dataset))).hexdigest()[:16]
    return folder / f"{key}.jsonl"


def read_journal(folder: Path, dataset: Dataset) -> dict[str, Known]:
    """Return what the journal of a data set holds by case, as far as it can be read.

    A line that a kill left half written or that is damaged, and whatever follows it, does not count.
    """
    _, known = _read(journal_path(folder, dataset), _heading_of(dataset))
    return known


def open_journal(folder: Path, dataset: Dataset) -> Journal:
    """Open a journal to go on with; what `read_journal` would not return is cut off. Close its stream in the end."""
    path, heading = journal_path(folder, dataset), _heading_of(dataset)
    length, _ = _read(path, heading)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held, naming(path):
        stream = held.enter_context(open_to_write(path, os.O_APPEND))
        stream.truncate(length)
        if not length:
            write_all(stream, to_sealed_line(heading))
        held.pop_all()
    return Journal(stream=stream, path=path)


def write_journal(folder: Path, dataset: Dataset, cases: Sequence[Known]) -> None:
    """Replace a journal by one that holds these cases only, in one step, and delete those of other labels."""
    path = journal_path(folder, dataset)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.writelines(to_sealed_line(line) for line in (_heading_of(dataset), *cases))
    for other in folder.glob("*.jsonl"):
        if other != path:
            other.unlink()


def _heading_of(dataset: Dataset) -> Heading:
    return Heading(channels=dataset.channels, scheme=dataset.labels)


def _read(path: Path, expected: Heading) -> tuple[int, dict[str, Known]]:
    """Return how many bytes of a journal are sound, and what is in them."""
    known: dict[str, Known] = {}
    if not path.is_file():
        return 0, known
    length = 0
    with path.open("rb") as stream:
        for number, line in enumerate(iter(partial(stream.readline, _LONGEST_LINE), b"")):
            try:
                if not line.endswith(b"\n"):
                    break
                if number == 0:
                    if parse_json(line, Heading, f"{path}: line 1") != expected:
                        break
                else:
                    entry = parse_json(line, Known, f"{path}: line {number + 1}")
                    known[entry.record.case] = entry
            except FileFormatError:
                break
            length += len(line)
    return length, known
