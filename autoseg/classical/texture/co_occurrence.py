"""Grey levels that lie side by side (Haralick 1973), over four directions together."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from autoseg.classical.texture.grey_levels import find_entropy
from autoseg.classical.texture.windows import Image, Step, Windows, shift

# The other four are the same pairs, read the other way round.
DIRECTIONS: tuple[Step, ...] = ((0, 1), (1, 0), (1, 1), (1, -1))
_FLAT = 1e-6


def measure_pairs(level: NDArray[np.int64], levels: int, distance: int, windows: Windows) -> dict[str, Image]:
    """Return contrast, homogeneity, correlation, energy and entropy of the levels of voxels at a distance.

    Both voxels of a pair lie inside, the first one of them in the window.

    Args:
        level: (x, y) grey levels from 0 on; -1 outside.
        levels: number of them.
        distance: in steps of a direction.
        windows: that are measured.
    """
    pairs = list(combinations_with_replacement(range(levels), 2))
    counts = [windows.sum(_count(level, pair, distance)) for pair in pairs]
    total = np.sum(counts, axis=0)
    shares = np.stack(counts) / np.where(total > _FLAT / windows.size**2, total, 1.0)
    low, high = (np.array(side, dtype=np.float64)[:, None, None] for side in zip(*pairs, strict=True))
    apart = high - low
    mean = ((low + high) / 2 * shares).sum(axis=0)
    variance = ((low**2 + high**2) / 2 * shares).sum(axis=0) - mean**2
    together = (low * high * shares).sum(axis=0) - mean**2
    # Of two levels that differ, the matrix has two entries, each of half the share.
    halves = np.where(apart > 0, 2.0, 1.0)
    return {
        "contrast": (apart**2 * shares).sum(axis=0),
        "homogeneity": (shares / (1 + apart**2)).sum(axis=0),
        "correlation": np.where(variance > _FLAT, together / np.where(variance > _FLAT, variance, 1.0), 1.0),
        "energy": (shares**2 / halves).sum(axis=0),
        "pair_entropy": find_entropy(shares),
    }


def _count(level: NDArray[np.int64], pair: tuple[int, int], distance: int) -> Image:
    """Return how many of the four pairs that begin at a voxel are of these two levels."""
    found = np.zeros(level.shape)
    for step in DIRECTIONS:
        other = shift(level, (step[0] * distance, step[1] * distance), -1)
        found += (level == pair[0]) & (other == pair[1])
        if pair[0] != pair[1]:
            found += (level == pair[1]) & (other == pair[0])
    return found
