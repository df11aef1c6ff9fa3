"""Hausdorff distances in other readings: over sets of voxels, over weighed elements, and with pooled percentiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About
from autoseg.evaluation.metrics.surfaces.distances import SURFACES, Surface, find_directed
from autoseg.evaluation.surfaces import measure_distances


def _measure_sets(pair: MaskPair) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances in mm from each voxel of one mask only to the other mask: all others are 0.

    What is nearest in a mask to a voxel outside of it lies on its surface.
    """
    forth, back = (
        measure_distances(mask & ~pair.shared, surface, pair.spacing_mm)
        for mask, surface in ((pair.prediction, pair.surfaces[1]), (pair.reference, pair.surfaces[0]))
    )
    return forth, back


@dataclass(frozen=True, kw_only=True, slots=True)
class HausdorffSetsOptions:
    """Hausdorff distance over all voxels of both masks, or its percentile.

    A voxel deep inside one mask counts, too, which does not lie on its surface. The distance is at least that over
    surfaces where one mask holds a hole or a centre far from the other, and else the same.

    Attributes:
        percentile: of the distances of all voxels; 100 is the largest.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    percentile: float = 100.0
    both_empty: float | None = None
    one_empty: float | None = None

    @property
    def about(self) -> About:
        """The description, which names the percentile."""
        name = "HD" if self.percentile == 100.0 else f"HD{self.percentile:g}"
        what = "largest distances" if self.percentile == 100.0 else f"{self.percentile:g}th percentiles of distances"
        return About(
            title=f"{name} over sets",
            better="lower",
            definition=f"the larger of the two directed {what} from each voxel of a mask to the nearest of the other, "
            "0 for shared voxels",
            unit="mm",
            perfect=0.0,
            symmetric=True,
            source="Huttenlocher 1993",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the distance in mm."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        return max(self._percentile(side, pair.counts.both) for side in pair.once(_measure_sets))

    def _percentile(self, distances_mm: NDArray[np.float64], shared: int) -> float:
        if self.percentile == 100.0:
            return float(distances_mm.max(initial=0.0))
        return float(np.percentile(np.concatenate([np.zeros(shared), distances_mm]), self.percentile))


@dataclass(frozen=True, kw_only=True, slots=True)
class HausdorffElementsOptions:
    """Hausdorff distance between surfaces made of elements that weigh their area, or its percentile.

    Attributes:
        percentile: the smallest distance that this share of a surface's area does not exceed, in per cent.
        surface: `elements`, as in deepmind's surface-distance, or `voxels`.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    percentile: float = 100.0
    surface: Surface = "elements"
    both_empty: float | None = None
    one_empty: float | None = None

    @property
    def about(self) -> About:
        """The description, which names the percentile."""
        name = "HD" if self.percentile == 100.0 else f"HD{self.percentile:g}"
        return About(
            title=f"{name} by area",
            better="lower",
            definition=f"the larger of the two directed distances that {self.percentile:g} % of a surface's weight "
            f"does not exceed; {SURFACES[self.surface]}",
            unit="mm",
            perfect=0.0,
            symmetric=True,
            source="Nikolov 2021",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the distance in mm."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        return max(side.percentile_mm(self.percentile) for side in find_directed(pair, self.surface))


@dataclass(frozen=True, kw_only=True, slots=True)
class HausdorffPooledOptions:
    """Percentile of the distances of both directions together, as medpy computes HD95.

    It is at most the larger of both directed percentiles, which `hausdorff_mm` gives.

    Attributes:
        percentile: of the distances.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    percentile: float = 95.0
    both_empty: float | None = None
    one_empty: float | None = None

    @property
    def about(self) -> About:
        """The description, which names the percentile."""
        return About(
            title=f"HD{self.percentile:g} pooled",
            better="lower",
            definition=f"the {self.percentile:g}th percentile of the distances from the places of both surfaces to the "
            f"other, both directions together; {SURFACES['voxels']}",
            unit="mm",
            perfect=0.0,
            symmetric=True,
            source="Maier 2019 (medpy)",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the distance in mm."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        return float(np.percentile(np.concatenate(pair.surface_distances_mm), self.percentile))
