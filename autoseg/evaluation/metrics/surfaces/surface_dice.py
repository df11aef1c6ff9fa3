"""Agreement of two surfaces within a tolerance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About
from autoseg.evaluation.metrics.surfaces.distances import SURFACES, Surface, find_directed


@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceDiceOptions:
    """Surface Dice, or normalised surface distance (NSD): the share of both surfaces that lies near the other.

    Attributes:
        tolerance_mm: distance up to which a place of a surface counts as right: about what readers differ by.
        surface: `elements`, as in deepmind's surface-distance, or `voxels`.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    tolerance_mm: float = 1.0
    surface: Surface = "elements"
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    @property
    def about(self) -> About:
        """The description, which names the tolerance."""
        return About(
            title=f"NSD at {self.tolerance_mm:g} mm",
            better="higher",
            definition=f"share of both surfaces that lies within {self.tolerance_mm:g} mm of the other; "
            + SURFACES[self.surface],
            perfect=1.0,
            symmetric=True,
            source="Nikolov 2021",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the share, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        sides = find_directed(pair, self.surface)
        near = sum(float(np.sum(side.weights[side.distances_mm <= self.tolerance_mm])) for side in sides)
        return near / sum(float(np.sum(side.weights)) for side in sides)
