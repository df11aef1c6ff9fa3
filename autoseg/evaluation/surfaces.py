"""Surfaces of masks, and the distances between them in mm."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from dataset_fingerprints.geometry import TripleFloat


def find_surface(mask: NDArray[np.bool_], flat: tuple[bool, bool, bool] = (False, False, False)) -> NDArray[np.bool_]:
    """Return the voxels of the mask with a face neighbour outside it, or outside the array.

    Args:
        mask: (x, y, z).
        flat: axes that have no neighbours because the image is one voxel long there.
    """
    neighbours = scipy.ndimage.generate_binary_structure(3, 1)
    for axis, is_flat in enumerate(flat):
        if is_flat:
            np.moveaxis(neighbours, axis, 0)[[0, 2]] = False
    return mask & ~scipy.ndimage.binary_erosion(mask, neighbours)


def measure_distances(
    source: NDArray[np.bool_], target: NDArray[np.bool_], spacing_mm: TripleFloat
) -> NDArray[np.float64]:
    """Return the distance in mm from each of the source's voxels to the nearest of the target's, centre to centre.

    Args:
        source: (x, y, z).
        target: (x, y, z), with at least one voxel.
        spacing_mm: voxel size.
    """
    # Distances of the whole box would take half as long again as finding what is nearest.
    nearest = scipy.ndimage.distance_transform_edt(
        ~target, sampling=spacing_mm, return_distances=False, return_indices=True
    )
    steps_mm = (nearest[:, source] - np.argwhere(source).T) * np.reshape(spacing_mm, (3, 1))
    distances_mm: NDArray[np.float64] = np.sqrt((steps_mm * steps_mm).sum(axis=0))
    return distances_mm
