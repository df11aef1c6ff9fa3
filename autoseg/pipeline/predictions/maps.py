"""Maps beside the masks: probabilities of each label or region, entropy, and disagreement of the networks.

They are made slab by slab; of many labels only so many are in memory at once, and the others are computed again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
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
        disagreement: where `entropy` is, that of the networks, if there are several.
    """

    probabilities: tuple[Path, ...] = ()
    entropy: Path | None = None
    disagreement: Path | None = None

    def are_missing(self) -> bool:
        """Return whether one that is wanted is not there; the disagreement is written before the entropy."""
        wanted = (*self.probabilities, *filter(None, [self.entropy]))
        return not all(path.is_file() for path in wanted)

    def paths(self) -> tuple[Path, ...]:
        """Return all paths."""
        return (*self.probabilities, *filter(None, (self.entropy, self.disagreement)))


NO_MAPS = MapFiles()


def name_parts(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of labels or regions as names of files have them, each once."""
    plain: list[str] = []
    for number, name in enumerate(names, start=1):
        spelled = _NOT_IN_NAMES.sub("-", name).strip("-.") or str(number)
        taken = spelled.casefold() in {one.casefold() for one in plain}
        plain.append(f"{spelled}-{number}" if taken else spelled)
    return tuple(plain)


def write_maps(files: MapFiles, scan: Scan, segmented: Segmented) -> None:
    """Write the maps of a scan on the grid of its file.

    A scan that holds one value everywhere has an empty mask whatever the networks make of it: its maps are zeros.

    Args:
        files: where to.
        scan: that was segmented.
        segmented: what the networks make of it.
    """
    whole = canonical_grid(scan.source_grid).shape
    together = max(1, TOGETHER_BYTES // (int(np.prod(whole)) * np.dtype(np.float32).itemsize))
    for first in range(0, len(files.probabilities), together):
        paths = files.probabilities[first : first + together]
        values = _make_probabilities(scan, segmented, range(first, first + len(paths)))
        for path, one in zip(paths, values, strict=True):
            write_map(path, one, scan.source_grid, scan.header)
    if files.entropy is not None:
        _write_uncertainty(files, scan, segmented)


def _make_probabilities(scan: Scan, segmented: Segmented, parts: range) -> NDArray[np.float32]:
    """Return (part, x, y, z) the probabilities of some labels or regions on the whole canonical grid."""
    probabilities = segmented.probabilities
    values = np.zeros((len(parts), *canonical_grid(scan.source_grid).shape), dtype=np.float32)
    for slab in () if scan.blank else probabilities.slabs():
        targets = select_targets(slab.values, probabilities.scheme.heads())
        values[:, *slab.box.slices()] = targets[parts.start : parts.stop].cpu().numpy()
    return values


def _write_uncertainty(files: MapFiles, scan: Scan, segmented: Segmented) -> None:
    several = len(segmented.members) > 1
    entropy, disagreement = (
        np.zeros(canonical_grid(scan.source_grid).shape if wanted else (0, 0, 0), dtype=np.float32)
        for wanted in (True, several)
    )
    uncertainty = Uncertainty(mean=segmented.probabilities, members=segmented.members)
    for slab in () if scan.blank else uncertainty.slabs():
        entropy[slab.box.slices()] = slab.entropy.cpu().numpy()
        if several:
            # Of several labels, the one that the networks disagree about the most.
            disagreement[slab.box.slices()] = torch.amax(slab.deviation, dim=0).cpu().numpy()
    if several and files.disagreement is not None:
        write_map(files.disagreement, disagreement, scan.source_grid, scan.header)
    if files.entropy is not None:
        write_map(files.entropy, entropy, scan.source_grid, scan.header)
