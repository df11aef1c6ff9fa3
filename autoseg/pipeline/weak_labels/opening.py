"""A scan as textures are measured on it: normalised, with the voxels that count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.pipeline.clinical.mask_files import find_masks, read_region
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.preprocessing.intensities import normalize
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import TripleFloat, canonical_grid
from dataset_fingerprints.layouts import AUTOMATIC
from dataset_fingerprints.measuring.scans import Scan, read_scan
from dataset_fingerprints.names import some_of
from planners.choices import Choice

CHANNEL = "image"
_AXIAL = 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OpenScan:
    """One scan.

    Attributes:
        read: as it was read.
        voxels: (x, y, z) of its box, normalised.
        inside: (x, y, z), the voxels that count.
        axis: that slices lie across.
    """

    read: Scan
    voxels: NDArray[np.float32]
    inside: NDArray[np.bool_]
    axis: int

    def find(self, place: TripleFloat, *, in_mm: bool) -> tuple[int, int, int] | None:
        """Return the voxel of the box at a place of the file, or of the header's space; None outside of the box."""
        grid = canonical_grid(self.read.source_grid)
        point = np.array((*place, 1.0))
        world = point if in_mm else self.read.source_grid.matrix() @ point
        x, y, z = (
            round(float(along)) - start
            for along, start in zip((np.linalg.inv(grid.matrix()) @ world)[:3], self.read.box.start, strict=True)
        )
        within = all(0 <= along < length for along, length in zip((x, y, z), self.voxels.shape, strict=True))
        return (x, y, z) if within else None


def open_scan(scan: NewScan, inside: Path | None, normalization: Choice) -> OpenScan:
    """Read a scan, and the mask of what counts.

    Raises:
        DataError: a file cannot be read, or the mask lies on another grid or is empty.
    """
    read = read_scan(scan.name, scan.images, (CHANNEL,))
    counted = read.body if inside is None else read_region(inside, read)[read.box.slices()]
    if not counted.any():
        raise DataError(f"{inside or scan.name}: holds no voxel to be labelled. Expected a mask of what counts.")
    flat = [axis for axis, length in enumerate(read.canonical_shape()) if length == 1]
    return OpenScan(
        read=read,
        voxels=normalize(read.voxels, read.body, (normalization,))[0],
        inside=np.asarray(counted, dtype=bool),
        axis=flat[0] if len(flat) == 1 else _AXIAL,
    )


def find_inside(masks: Path | None, needed: Iterable[str]) -> Mapping[str, Path]:
    """Return the mask of what counts in every scan; nothing where there are no masks.

    Raises:
        DataError: a scan has none.
    """
    if masks is None:
        return {}
    found = find_masks(masks, AUTOMATIC)
    names = dict.fromkeys(needed)
    lacking = [name for name in names if name not in found]
    if lacking:
        raise DataError(f"{masks}: holds no mask of {some_of(lacking, 10)}. Expected one per scan, with the same name.")
    return {name: found[name] for name in names}
