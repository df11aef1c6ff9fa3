"""A scan as classical methods see it: intensities inside the brain, on one scale for all scans."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.reading.body import bounding_box

# Partial volume darkens the edge of a brain; no seed lies nearer to it than this.
_RIM_MM = 8.0
_SMOOTHED_MM = 3.0


@dataclass(frozen=True, kw_only=True, eq=False)
class BrainScan:
    """One skull-stripped scan.

    Attributes:
        voxels: (x, y, z) intensities in canonical RAS+ axes.
        brain: (x, y, z), True inside.
        spacing_mm: voxel size.
    """

    voxels: NDArray[np.floating]
    brain: NDArray[np.bool_]
    spacing_mm: TripleFloat

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """The z-scores (x, y, z) by mean and SD of the brain; 0 outside, and everywhere in a brain of one value."""
        inside = self.voxels[self.brain].astype(np.float64)
        scores = np.zeros(self.brain.shape)
        if inside.size and inside.std() > 0:
            scores[self.brain] = (inside - inside.mean()) / inside.std()
        return scores

    @cached_property
    def darker_than_mirrored(self) -> NDArray[np.float64]:
        """By how much the smoothed scan is darker than its mirror image, (x, y, z) in SD; 0 where that has no brain.

        A lesion is on one side, ventricles and sulci are on both. The mirror is the middle of the box around the brain,
        which is near the midline where the head was not turned much.
        """
        smoothed = self._smooth()
        box = bounding_box(self.brain).slices()
        both = self.brain[box] & self.brain[box][::-1]
        found = np.zeros(self.brain.shape)
        found[box] = np.where(both, smoothed[box][::-1] - smoothed[box], 0.0)
        return found

    @cached_property
    def interior(self) -> NDArray[np.bool_]:
        """The brain without its rim, (x, y, z); all of a brain that has nothing else."""
        deep = ndimage.distance_transform_edt(np.pad(self.brain, 1), sampling=self.spacing_mm)
        inside = np.asarray(deep)[1:-1, 1:-1, 1:-1] > _RIM_MM
        return inside if inside.any() else self.brain

    def _smooth(self) -> NDArray[np.float64]:
        """Return the z-scores smoothed inside the brain, without a share of what lies around it."""
        sigmas = [_SMOOTHED_MM / edge for edge in self.spacing_mm]
        weights = ndimage.gaussian_filter(self.brain.astype(np.float64), sigmas)
        values = ndimage.gaussian_filter(self.scores, sigmas)
        return np.where(self.brain, values / np.maximum(weights, 1e-6), 0.0)
