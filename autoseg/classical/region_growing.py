"""Region growing: from seeds, neighbours join as long as they look like what is there already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from autoseg.classical.brain_scan import BrainScan

Seed = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionGrowingOptions:
    """What grows from a seed by SimpleITK's ConfidenceConnected.

    The seed is where the brain is darkest against its mirror image, if no other is given.

    Attributes:
        seeds: voxels of the scan to grow from; empty for the one that the scan suggests.
        sigmas: voxels join that differ from the region's mean by at most so many of its SD.
        rounds: how often mean and SD are measured anew and the region grows again.
        radius: of the box around a seed that begins the region, in voxels.
    """

    seeds: tuple[Seed, ...] = ()
    sigmas: float = 2.0
    rounds: int = 4
    radius: int = 1

    def segment(self, scan: BrainScan) -> NDArray[np.bool_]:
        """Return the mask (x, y, z); empty where no seed is given and no place is darker than its mirror image."""
        suggested = None if self.seeds else find_seed(scan)
        seeds = self.seeds if suggested is None else (suggested,)
        if not seeds:
            return np.zeros(scan.brain.shape, dtype=bool)
        # What lies outside of the brain is too bright to join.
        values = np.where(scan.brain, scan.scores, float(np.abs(scan.scores).max()) * 10 + 100).astype(np.float32)
        grown = SimpleITK.ConfidenceConnected(
            SimpleITK.GetImageFromArray(values.T),
            seedList=[list(seed) for seed in seeds],
            numberOfIterations=self.rounds,
            multiplier=self.sigmas,
            initialNeighborhoodRadius=self.radius,
            replaceValue=1,
        )
        return np.asarray(SimpleITK.GetArrayFromImage(grown).T, dtype=bool) & scan.brain


def find_seed(scan: BrainScan) -> Seed | None:
    """Return the voxel inside of the brain's rim that is darkest against its mirror image, if any is darker."""
    contrast = np.where(scan.interior, scan.darker_than_mirrored, 0.0)
    if contrast.max() <= 0:
        return None
    x, y, z = np.unravel_index(int(contrast.argmax()), contrast.shape)
    return int(x), int(y), int(z)
