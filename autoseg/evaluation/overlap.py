"""Voxel-wise agreement of two masks, from three counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlap:
    """How many voxels two masks hold, and how many they share.

    Every ratio is 1 where both masks are empty and 0 where one is (`Conventions`).
    """

    prediction: int
    reference: int
    both: int

    def dice(self) -> float:
        """Return twice the shared voxels per voxel of either mask (Dice 1945)."""
        return self._ratio(2 * self.both, self.prediction + self.reference)

    def iou(self) -> float:
        """Return the intersection over the union (Jaccard 1912)."""
        return self._ratio(self.both, self.prediction + self.reference - self.both)

    def precision(self) -> float:
        """Return the share of predicted voxels that are right."""
        return self._ratio(self.both, self.prediction)

    def recall(self) -> float:
        """Return the share of reference voxels that were found."""
        return self._ratio(self.both, self.reference)

    def _ratio(self, part: int, whole: int) -> float:
        if self.prediction == 0 and self.reference == 0:
            return 1.0
        return part / whole if whole else 0.0


def measure_overlap(prediction: NDArray[np.bool_], reference: NDArray[np.bool_]) -> Overlap:
    """Count the voxels of two masks of one shape."""
    return Overlap(
        prediction=int(np.count_nonzero(prediction)),
        reference=int(np.count_nonzero(reference)),
        both=int(np.count_nonzero(prediction & reference)),
    )
