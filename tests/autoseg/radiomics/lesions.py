"""Regions in noise, of known shape and intensities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.synthetic.scans import blob

SHAPE = (30, 28, 26)


def box(low: tuple[int, int, int], high: tuple[int, int, int]) -> NDArray[np.bool_]:
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask[tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))] = True
    return mask


def lesion(seed: int, *, rough: bool = False) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a scan and a ball in it, which is brighter, and of the one kind also rougher."""
    rng = np.random.default_rng(seed)
    radius = 3.0 + rng.random()
    mask = blob(SHAPE, (15.0, 14.0, 13.0), radius)
    voxels = rng.normal(100, 5, SHAPE)
    voxels[mask] += 30 + rng.normal(0, 20 if rough else 2, int(mask.sum()))
    return voxels.astype(np.float32), mask


def jitter(mask: NDArray[np.bool_], seed: int, share: float) -> NDArray[np.bool_]:
    """Return a mask as another reader draws it: a share of the voxels at its border is in or out."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    border = ndimage.binary_dilation(mask) & ~ndimage.binary_erosion(mask)
    return mask ^ (border & (rng.random(mask.shape) < share))
