"""Maps beside the masks: probabilities of each label or region, entropy, and disagreement of the networks.

They are made slab by slab; of many labels only so many are in memory at once, and the others are computed again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.prediction import Segmented, Uncertainty, select_targets
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.reading.images import write_map
from dataset_fingerprints.sizes import GIB

# Of the maps of one scan that are made together; a single one may be larger.
TOGETHER_BYTES = GIB
SUFFIX = ".nii.gz"
_NOT_IN_NAMES = re.compile(r"[^\w+.-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class MapFiles:
    """Paths of the maps of a scan.

    Attributes:
        probabilities: of each label or region, in the scheme's order; empty where none are wanted.
        entropy: None where it is not wanted.
        disagreement: that of the networks; None where it is not wanted, or there is one network.
    """

    probabilities: tuple[Path, ...] = ()
    entropy: Path | None = None
    disagreement: Path | None = None

    def are_missing(self) -> bool:
        """Return whether one that is wanted is not there."""
        return not all(path.is_file() for path in self.paths())

    def lacks_disagreement(self) -> bool:
        """Return whether the disagreement is wanted and not there."""
        return self.disagreement is not None and not self.disagreement.is_file()

    def paths(self) -> tuple[Path, ...]:
        """Return all paths."""
        return (*self.probabilities, *filter(None, (self.entropy, self.disagreement)))


NO_MAPS = MapFiles()


def name_parts(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of labels or regions as names of files have them, each once."""
    plain: list[str] = []
    for number, name in enumerate(names, start=1):
        spelled = _NOT_IN_NAMES.sub("-", name).strip("-.") or str(number)
        while spelled.casefold() in map(str.casefold, plain):
            spelled = f"{spelled}-{number}"
        plain.append(spelled)
    return tuple(plain)


def write_maps(files: MapFiles, scan: Scan, segmented: Segmented, *, keep: bool = False) -> None:
    """Write the maps of a scan on the grid of its file.

    Args:
        files: where to.
        scan: that was segmented.
        segmented: what the networks make of it.
        keep: whether maps that are there stay.
    """
    whole = canonical_grid(scan.source_grid).shape
    together = max(1, TOGETHER_BYTES // (int(np.prod(whole)) * np.dtype(np.float32).itemsize))
    for first in range(0, len(files.probabilities), together):
        paths = files.probabilities[first : first + together]
        if keep and all(path.is_file() for path in paths):
            continue
        values = make_probabilities(scan, segmented, range(first, first + len(paths)))
        for path, one in zip(paths, values, strict=True):
            _write(path, one, scan, keep=keep)
    if files.entropy is not None and not (keep and files.entropy.is_file() and not files.lacks_disagreement()):
        _write_uncertainty(files, scan, segmented, keep=keep)


def _write(path: Path, values: NDArray[np.float32], scan: Scan, *, keep: bool) -> None:
    if not (keep and path.is_file()):
        write_map(path, values, scan.source_grid, scan.header)


def make_probabilities(scan: Scan, segmented: Segmented, parts: range) -> NDArray[np.float32]:
    """Return (part, x, y, z) the probabilities of some labels or regions on the whole canonical grid."""
    probabilities = segmented.probabilities
    values = np.zeros((len(parts), *canonical_grid(scan.source_grid).shape), dtype=np.float32)
    for slab in probabilities.slabs():
        targets = select_targets(slab.values, probabilities.scheme.heads())
        values[:, *slab.box.slices()] = targets[parts.start : parts.stop].cpu().numpy()
    return values


def _write_uncertainty(files: MapFiles, scan: Scan, segmented: Segmented, *, keep: bool) -> None:
    uncertainty = Uncertainty(mean=segmented.probabilities, members=segmented.members).measure()
    if uncertainty.disagreement is not None and files.disagreement is not None:
        _write(files.disagreement, uncertainty.disagreement, scan, keep=keep)
    if files.entropy is not None:
        _write(files.entropy, uncertainty.entropy, scan, keep=keep)
