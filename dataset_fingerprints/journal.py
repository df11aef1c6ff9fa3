"""What was measured of the cases so far, line by line while a pass goes on, so that a killed pass loses one case."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from dataset_fingerprints.atomic import write_bytes
from dataset_fingerprints.dataset import Dataset, LabelScheme
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.fingerprint import SCHEMA_VERSION
from dataset_fingerprints.jsonfiles import parse_json, to_line
from dataset_fingerprints.one_pass import Known


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
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, known: Known) -> None:
        """Add a line. It is handed to the system in one piece: it outlives a killed process, not a power cut."""
        line = to_line(known)
        with self._lock:
            self.stream.write(line)


def read_journal(path: Path, dataset: Dataset) -> dict[str, Known]:
    """Return what a journal holds by case, as far as it can be read: nothing if it is of other channels or labels.

    A line that a kill left half written, and whatever follows it, does not count.
    """
    _, known = _read(path, _heading_of(dataset))
    return known


def open_journal(path: Path, dataset: Dataset) -> Journal:
    """Open a journal to go on with; what `read_journal` would not return is cut off. Close its stream in the end."""
    heading = _heading_of(dataset)
    length, _ = _read(path, heading)
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = path.open("ab", buffering=0)
    stream.truncate(length)
    journal = Journal(stream=stream)
    if not length:
        stream.write(to_line(heading))
    return journal


def write_journal(path: Path, dataset: Dataset, cases: Sequence[Known]) -> None:
    """Replace a journal by one that holds these cases only, in one step."""
    write_bytes(path, b"".join(to_line(line) for line in (_heading_of(dataset), *cases)))


def _heading_of(dataset: Dataset) -> Heading:
    return Heading(channels=dataset.channels, scheme=dataset.labels)


def _read(path: Path, expected: Heading) -> tuple[int, dict[str, Known]]:
    """Return how many bytes of a journal are sound, and what is in them."""
    known: dict[str, Known] = {}
    if not path.is_file():
        return 0, known
    length = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream):
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
