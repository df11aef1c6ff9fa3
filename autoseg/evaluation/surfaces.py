"""Surfaces of masks, and the distances between them in mm."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from dataset_fingerprints.geometry import TripleFloat

Flat = tuple[bool, bool, bool]


class Places:
    """Voxels, or corners of voxels, and what of them is nearest to others.

    A search tree over the few voxels of a surface is an order of magnitude quicker than a distance transform of the
    whole box around both masks.

    Args:
        indices: (place, axis), as `numpy.argwhere` gives them.
        spacing_mm: voxel size.
    """

    def __init__(self, indices: NDArray[np.int64], spacing_mm: TripleFloat) -> None:
        self.indices = indices
        self.spacing_mm = np.asarray(spacing_mm, dtype=np.float64)

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self.indices)

    @cached_property
    def _tree(self) -> scipy.spatial.KDTree:
        # Places of a surface are spread evenly: a balanced tree takes longer to build and is no quicker to search.
        return scipy.spatial.KDTree(self.indices * self.spacing_mm, balanced_tree=False, compact_nodes=False)

    def find_nearest(self, others: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (other,) which place is nearest to each of other places, (other, axis)."""
        return np.asarray(self._tree.query(others * self.spacing_mm)[1], dtype=np.int64)

    def measure_from(self, others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (other,) the distance in mm from each of other places, (other, axis), to the nearest of these."""
        # Differences of whole numbers of voxels are exact, those of places in mm are not.
        steps_mm = (self.indices[self.find_nearest(others)] - others).T * self.spacing_mm[:, None]
        distances_mm: NDArray[np.float64] = np.sqrt((steps_mm * steps_mm).sum(axis=0))
        return distances_mm


def find_surface(mask: NDArray[np.bool_], flat: Flat = (False, False, False)) -> NDArray[np.bool_]:
    """Return the voxels of the mask with a face neighbour outside it, or outside the array.

    Args:
        mask: (x, y, z).
        flat: axes that have no neighbours because the image is one voxel long there.
    """
    if all(flat):
        return mask.copy()
    inside = mask.copy()
    for axis, is_flat in enumerate(flat):
        if not is_flat:
            kept, voxels = np.moveaxis(inside, axis, 0), np.moveaxis(mask, axis, 0)
            kept[0] = kept[-1] = False
            kept[:-1] &= voxels[1:]
            kept[1:] &= voxels[:-1]
    return mask & ~inside


def measure_distances(
    source: NDArray[np.bool_], target: NDArray[np.bool_], spacing_mm: TripleFloat
) -> NDArray[np.float64]:
    """Return the distance in mm from each of the source's voxels to the nearest of the target's, centre to centre.

    Args:
        source: (x, y, z).
        target: (x, y, z), with at least one voxel.
        spacing_mm: voxel size.
    """
    return Places(np.argwhere(target), spacing_mm).measure_from(np.argwhere(source))
