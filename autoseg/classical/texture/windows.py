"""Means over a window around every voxel of a slice, of the voxels that count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float64]
Mask = NDArray[np.bool_]
# A direction in a slice, as steps along both axes.
Step = tuple[int, int]
# Of which voxels windows are measured: along both axes.
Places = tuple[slice, slice]
# Running sums leave less than this where nothing counts.
_NOTHING = 1e-9


class Windows:
    """Windows around some voxels of a slice.

    Args:
        inside: (x, y), the voxels that count.
        size: edge of a window.
        places: of the voxels that windows lie around.
    """

    def __init__(self, inside: Mask, size: int, places: Places) -> None:
        self.inside, self.size, self.places = inside, size, places

    def average(self, values: Image, counted: Mask | None = None) -> Image:
        """Return means of a slice's values over the windows; 0 where no voxel of a window counts.

        Args:
            values: (x, y).
            counted: the voxels that count; those inside where it is not given.
        """
        weights = (self.inside if counted is None else counted & self.inside).astype(np.float64)
        shares = self.sum(weights)
        found = shares > _NOTHING
        return np.where(found, self.sum(values * weights) / np.where(found, shares, 1.0), 0.0)

    def sum(self, values: Image) -> Image:
        """Return sums over the windows, over the size of a window; what lies beyond the slice is 0."""
        rows = ndimage.uniform_filter1d(values, self.size, axis=0, mode="constant")[self.places[0]]
        return np.asarray(ndimage.uniform_filter1d(rows, self.size, axis=1, mode="constant")[:, self.places[1]])


def shift(values: NDArray[np.integer], step: Step, outside: int) -> NDArray[np.integer]:
    """Return for every voxel the value that lies a step further; `outside` beyond the slice."""
    moved = np.full_like(values, outside)
    taken, placed = [], []
    for length, along in zip(values.shape, step, strict=True):
        taken.append(slice(max(along, 0), length + min(along, 0)))
        placed.append(slice(max(-along, 0), length + min(-along, 0)))
    moved[tuple(placed)] = values[tuple(taken)]
    return moved
