"""Lesion load: how much of a region, such as the corticospinal tract, a lesion takes, in all and slice by slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.reading.body import bounding_box

# A slice with less than this share of the region's largest cross-section is its tip: one voxel decides there.
TIP_SHARE = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceLoad:
    """One transverse slice of a region, and what a lesion takes of it.

    Attributes:
        index: of the slice on the lesion's canonical grid, from below.
        z_mm: its height in the space of the header, at the middle of the grid.
        region_mm2: cross-section of the region; voxels of a probabilistic one count by their weights.
        overlap_mm2: of it, what lies in the lesion.
    """

    index: int
    z_mm: float
    region_mm2: float
    overlap_mm2: float

    def injury_percent(self) -> float:
        """Return the share of the region's cross-section that lies in the lesion, in percent (Lam 2020)."""
        return 100.0 * self.overlap_mm2 / self.region_mm2


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionLoad:
    """What a lesion takes of a region.

    Attributes:
        lesion_ml: volume of the lesion.
        region_ml: volume of the region on the lesion's grid; of a probabilistic one the sum of its weights.
        overlap_ml: of it, what lies in the lesion: the raw load, weighted by a region's probabilities (Zhu 2010).
        slices: that the region reaches, from below.
    """

    lesion_ml: float
    region_ml: float
    overlap_ml: float
    slices: tuple[SliceLoad, ...]
    slice_mm: float

    def percent(self) -> float:
        """Return the share of the region that lies in the lesion, in percent."""
        return 100.0 * self.overlap_ml / self.region_ml

    def weighted_ml(self) -> float:
        """Return the load whose slices are weighted by largest cross-section / own cross-section (Feng 2015).

        A tract that narrows on its way down counts as much there as where it is wide.
        """
        return sum(self._weigh(one) for one in self.slices) * self.slice_mm / 1000.0

    def worst_slice(self) -> SliceLoad:
        """Return the slice with the largest injury; of several the lowest."""
        return max(self.slices, key=SliceLoad.injury_percent)

    def max_injury_percent(self) -> float:
        """Return the largest injury of a slice, in percent."""
        return self.worst_slice().injury_percent()

    def max_weighted_mm2(self) -> float:
        """Return the largest weighted overlap of a slice: the maximum weighted cross-sectional load."""
        return max(map(self._weigh, self.slices))

    def is_from_tip(self) -> bool:
        """Return whether the largest injury is that of a slice in which next to nothing of the region lies."""
        return self.max_injury_percent() > 0 and self.worst_slice().region_mm2 < TIP_SHARE * self._widest()

    def _widest(self) -> float:
        return max(one.region_mm2 for one in self.slices)

    def _weigh(self, one: SliceLoad) -> float:
        return one.overlap_mm2 * self._widest() / one.region_mm2


def measure_load(
    lesion: NDArray[np.bool_], region: NDArray[np.floating[Any]], spacing_mm: TripleFloat, heights_mm: NDArray[Any]
) -> RegionLoad:
    """Measure what a lesion takes of a region on the same canonical grid.

    Args:
        lesion: (x, y, z).
        region: (x, y, z) weights from 0 to 1; at least one is above 0.
        spacing_mm: voxel size.
        heights_mm: of the slices along z.
    """
    box = bounding_box(region > 0)
    weights = region[box.slices()].astype(np.float64)
    inside = np.where(lesion[box.slices()], weights, 0.0)
    x_mm, y_mm, z_mm = spacing_mm
    areas, overlaps = (values.sum(axis=(0, 1)) * x_mm * y_mm for values in (weights, inside))
    slices = tuple(
        SliceLoad(
            index=int(index) + box.start[2],
            z_mm=float(heights_mm[int(index) + box.start[2]]),
            region_mm2=float(areas[index]),
            overlap_mm2=float(overlaps[index]),
        )
        for index in np.flatnonzero(areas > 0)
    )
    return RegionLoad(
        lesion_ml=float(np.count_nonzero(lesion)) * x_mm * y_mm * z_mm / 1000.0,
        region_ml=float(areas.sum()) * z_mm / 1000.0,
        overlap_ml=float(overlaps.sum()) * z_mm / 1000.0,
        slices=slices,
        slice_mm=z_mm,
    )
