"""What was found of scans that a model looked at, a line each in a file that grows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoseg.labelling.ranking import Candidate, Portrait
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files.jsonfiles import parse_json, to_sealed_line
from dataset_fingerprints.files.opening import append_to

_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What was found of a scan.

    Attributes:
        model: hash of the weights.
        spread: how far networks, or flips of a single one, lie apart: the standard deviations of their probabilities
            as a share of these, the probabilities and a usual lesion, 0 to 1, the mean over labels; None of a labelled
            case.
        doubt: what the Dice of mask and probabilities, smoothed by the volume of a usual lesion, lacks to 1, the mean
            over labels; None of a labelled case.
        scan: the coarse picture of the intensities.
        mask: the coarse picture of what is marked.
    """

    case: str
    model: str
    spread: float | None
    doubt: float | None
    scan: tuple[float, ...]
    mask: tuple[float, ...]

    def portrait(self) -> Portrait:
        """Return what the scan looks like."""
        return Portrait(case=self.case, scan=np.array(self.scan), mask=np.array(self.mask))

    def candidate(self) -> Candidate:
        """Return the scan as one that can be chosen: its uncertainty is the mean of spread and doubt."""
        return Candidate(portrait=self.portrait(), uncertainty=((self.spread or 0.0) + (self.doubt or 0.0)) / 2)


def append_look(path: Path, look: Look) -> None:
    """Add what was found of a scan to the file of it."""
    append_to(path, to_sealed_line(look))


def read_looks(path: Path) -> dict[str, Look]:
    """Return what is known of scans by their names, as far as it can be read; a half-written line is cut off."""
    known: dict[str, Look] = {}
    if not path.is_file():
        return known
    length = 0
    for line in _lines(path):
        try:
            one = parse_json(line, Look, str(path))
        except FileFormatError:
            break
        known[one.case] = one
        length += len(line)
    if length < path.stat().st_size:
        os.truncate(path, length)
    return known


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while line := stream.readline(_LONGEST_LINE):
            if not line.endswith(b"\n"):
                return
            yield line
