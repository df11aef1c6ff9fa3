"""Growing one lesion of an exact number of voxels from a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.simulate.fields import FloatArray, MaskArray

Voxel = tuple[int, int, int]
# Levels of the score that bisection separates; the nearest voxels make up for what lies between two of them.
_LEVELS = 1024


def grow(domain: MaskArray, score: FloatArray, seed: Voxel, count: int) -> MaskArray:
    """Return `count` voxels of the domain: the best-scored (lowest) that hang together with the seed, smoothed.

    The seed's connected part of {score <= level} only gets larger as the level rises, so bisection finds the last
    level at which it is still too small; the nearest voxels of the next larger part fill it up. Fewer voxels are
    returned only if the seed's part of the domain holds fewer.
    """
    whole = _part_of_seed(domain, seed)
    if int(whole.sum()) <= count:
        return whole
    levels = np.quantile(score[whole], np.linspace(0.0, 1.0, _LEVELS), method="nearest")
    low, high = int(np.searchsorted(levels, score[seed])) - 1, _LEVELS - 1
    smaller, larger = np.zeros_like(domain), whole
    while high - low > 1:
        middle = (low + high) // 2
        part = _part_of_seed(whole & (score <= levels[middle]), seed)
        if int(part.sum()) <= count:
            low, smaller = middle, part
        else:
            high, larger = middle, part
    smaller[seed] = True
    return _smooth(fill_up(smaller, larger, count), domain)


def fill_up(part: MaskArray, larger: MaskArray, count: int) -> MaskArray:
    """Return `part` with the nearest voxels of `larger` added until it holds `count`, as far as there are any."""
    missing = count - int(part.sum())
    if missing <= 0:
        return part
    distance = ndimage.distance_transform_edt(~part)
    candidates: NDArray[np.intp] = np.flatnonzero(larger & ~part)
    nearest = candidates[np.argsort(distance.ravel()[candidates], kind="stable")[:missing]]
    filled = part.copy()
    filled.ravel()[nearest] = True
    return filled


def _part_of_seed(mask: MaskArray, seed: Voxel) -> MaskArray:
    labels, _ = ndimage.label(mask)
    part: MaskArray = labels == labels[seed]
    return part & mask


def _smooth(part: MaskArray, domain: MaskArray) -> MaskArray:
    """Trade threads and specks of the border for its notches; the number of voxels stays."""
    density = ndimage.gaussian_filter(part.astype(np.float32), 1.0, truncate=3.0) * domain
    candidates = np.flatnonzero(density > 0)
    densest = candidates[np.argsort(-density.ravel()[candidates], kind="stable")[: int(part.sum())]]
    smooth = np.zeros_like(part)
    smooth.ravel()[densest] = True
    return smooth
