"""Thresholding: a lesion is what is unusually dark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.classical.brain_scan import BrainScan


@dataclass(frozen=True, kw_only=True, slots=True)
class ThresholdOptions:
    """The brain's voxels that are darker than its mean by more than some SD.

    Attributes:
        sigmas: so many.
    """

    sigmas: float = 2.0

    def segment(self, scan: BrainScan) -> NDArray[np.bool_]:
        """Return the mask (x, y, z)."""
        return scan.brain & (scan.scores < -self.sigmas)
