"""Distances between the surfaces of two masks, as all metrics of surfaces share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.surface_elements import find_elements

Surface = Literal["voxels", "elements"]
SURFACES: dict[Surface, str] = {
    "voxels": "a surface is the mask's voxels that have a face neighbour outside it or lie at the image's border, all "
    "of one weight",
    "elements": "a surface is the elements at the corners of voxels where inside meets outside, each weighing its area",
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Directed:
    """Distances from each place of one surface to the nearest of the other.

    Attributes:
        distances_mm: (place,).
        weights: (place,).
    """

    distances_mm: NDArray[np.float64]
    weights: NDArray[np.float64]

    def mean_mm(self) -> float:
        """Return the weighted mean."""
        return float(np.sum(self.distances_mm * self.weights) / np.sum(self.weights))

    def percentile_mm(self, percentile: float) -> float:
        """Return the smallest distance that a share of the weight does not exceed, without interpolation."""
        order = np.lexsort((self.weights, self.distances_mm))
        shares = np.cumsum(self.weights[order]) / np.sum(self.weights)
        place = min(int(np.searchsorted(shares, percentile / 100.0)), len(order) - 1)
        return float(self.distances_mm[order][place])


def find_directed(pair: MaskPair, surface: Surface) -> tuple[Directed, Directed]:
    """Return the distances from the prediction's surface to the reference's, and back; both masks hold voxels."""
    return pair.once(_measure_voxels if surface == "voxels" else _measure_elements)


def _measure_voxels(pair: MaskPair) -> tuple[Directed, Directed]:
    forth, back = (
        Directed(distances_mm=distances, weights=np.ones(len(distances))) for distances in pair.surface_distances_mm
    )
    return forth, back


def _measure_elements(pair: MaskPair) -> tuple[Directed, Directed]:
    predicted, true = (find_elements(mask, pair.spacing_mm, pair.flat) for mask in (pair.prediction, pair.reference))
    forth, back = (
        Directed(distances_mm=other.places.measure_from(one.places.indices), weights=one.areas)
        for one, other in ((predicted, true), (true, predicted))
    )
    return forth, back
