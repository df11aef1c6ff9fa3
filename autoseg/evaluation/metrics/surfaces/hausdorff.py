"""The largest distance between two masks' surfaces, or a percentile of the distances, which forgives stray voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About


@dataclass(frozen=True, kw_only=True, slots=True)
class HausdorffOptions:
    """Hausdorff distance between surfaces, or its percentile (Huttenlocher 1993, Reinke 2024).

    It is the larger of the two directed percentiles, as in deepmind's surface-distance; pooling the distances of both
    directions first gives less. Surfaces here are the mask's own outermost voxels, all of one weight; there, all voxel
    corners where inside meets outside, weighed by area, which is thicker on slopes. So ours is the larger by about a
    third of a voxel edge (measured for the 95th percentile on balls and blobs: 0 to 0.6 of the longest edge).

    Attributes:
        percentile: of the distances; 100 is the largest one.
        both_empty: the score where neither mask holds a voxel. None, as there is no distance between nothings: as 0,
            cases without the label would make a mean the better, the more of the others are missed.
        one_empty: the score where only one does: there is no distance to nothing. A summary counts these cases.
    """

    percentile: float = 100.0
    both_empty: float | None = None
    one_empty: float | None = None

    @property
    def about(self) -> About:
        """The description, which names the percentile."""
        whole = self.percentile == 100.0
        directed = "directed largest distances" if whole else f"directed {self.percentile:g}th percentiles of distances"
        return About(
            title="HD" if whole else f"HD{self.percentile:g}",
            better="lower",
            definition=f"the larger of the two {directed} between the centres of surface voxels: those that have a "
            "face neighbour outside the mask or lie at the image's border; cases with an empty mask have none, and are "
            "counted beside the mean (missed, invented, absent)",
            unit="mm",
            perfect=0.0,
            symmetric=True,
            source="Huttenlocher 1993",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the distance in mm."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        return max(float(np.percentile(distances, self.percentile)) for distances in pair.surface_distances_mm)
