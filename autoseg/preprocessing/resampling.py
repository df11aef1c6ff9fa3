"""Resampling by one matrix per axis: cubic splines for images, linear for labels and logits.

Voxel centres map as centre to centre: output voxel j of n_out lies at (j + 0.5) * n_in / n_out - 0.5 of the input,
clipped to the outermost voxel centres.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from dataset_fingerprints.geometry import Triple, TripleFloat

Kind = Literal["cubic", "linear", "nearest"]


def target_shape(shape: Triple, spacing_mm: TripleFloat, target_mm: TripleFloat) -> Triple:
    """Return how many voxels of `target_mm` cover `shape` voxels of `spacing_mm`; a single slice stays one."""
    x, y, z = (
        max(1, round(length * have / want)) if length > 1 else 1
        for length, have, want in zip(shape, spacing_mm, target_mm, strict=True)
    )
    return (x, y, z)


@lru_cache(maxsize=256)
def resampling_matrix(length: int, target: int, kind: Kind) -> sparse.csr_array:
    """Return the (target, length) matrix that resamples one axis.

    Cubic is the interpolating B-spline of order 3 with whole-sample symmetric ends, the same as
    `scipy.ndimage.map_coordinates(order=3, mode="mirror")`; its weights beyond 1e-6 of the unit are dropped, which
    keeps the matrix banded. Axes too short for a spline (under 4 voxels) are resampled linearly.
    """
    positions = np.clip((np.arange(target) + 0.5) * length / target - 0.5, 0, length - 1)
    if kind == "nearest":
        return _interpolation(np.rint(positions), length)
    if kind == "linear" or length < 4:
        return _interpolation(positions, length)
    coefficients = ndimage.spline_filter1d(np.eye(length), order=3, axis=0, mode="mirror")
    dense = _cubic_basis(positions, length) @ coefficients
    dense[np.abs(dense) < 1e-6] = 0
    return sparse.csr_array(dense.astype(np.float32))


def resample(voxels: NDArray[np.float32], shape: Triple, kinds: tuple[Kind, Kind, Kind]) -> NDArray[np.float32]:
    """Resample the last three axes to `shape`; axes that keep their length are not touched.

    Args:
        voxels: (..., x, y, z).
        shape: the target lengths.
        kinds: the interpolation along each axis.
    """
    result = voxels
    # The axis that shrinks most goes first: the later ones then have less to do.
    first = voxels.ndim - 3
    for axis in sorted(range(3), key=lambda axis: shape[axis] / voxels.shape[first + axis]):
        length = result.shape[first + axis]
        if length == shape[axis]:
            continue
        matrix = resampling_matrix(length, shape[axis], kinds[axis])
        moved = np.moveaxis(result, first + axis, 0)
        flat = matrix @ np.ascontiguousarray(moved).reshape(length, -1)
        result = np.moveaxis(flat.reshape(shape[axis], *moved.shape[1:]), 0, first + axis)
    return np.ascontiguousarray(result, dtype=np.float32)


def resample_labels(
    labels: NDArray[np.uint8], shape: Triple, kinds: tuple[Kind, Kind, Kind], count: int
) -> NDArray[np.uint8]:
    """Resample a label map label by label and take the largest share at each voxel.

    Args:
        labels: (x, y, z), indices 0..count - 1.
        shape: the target shape.
        kinds: the interpolation along each axis; linear or nearest.
        count: how many indices there are, background included.
    """
    if labels.shape == shape:
        return labels
    best = np.full(shape, -1.0, dtype=np.float32)
    result = np.zeros(shape, dtype=np.uint8)
    for index in range(count):
        mask = labels == index
        if not mask.any():
            continue
        share = resample(mask.astype(np.float32), shape, kinds)
        wins = share > best
        result[wins] = index
        best[wins] = share[wins]
    return result


def _interpolation(positions: NDArray[np.float64], length: int) -> sparse.csr_array:
    lower = np.minimum(np.floor(positions).astype(int), max(length - 2, 0))
    upper = np.minimum(lower + 1, length - 1)
    weight = positions - lower
    rows = np.arange(len(positions))
    matrix = sparse.coo_array(
        (np.concatenate([1 - weight, weight]), (np.concatenate([rows, rows]), np.concatenate([lower, upper]))),
        shape=(len(positions), length),
    )
    return sparse.csr_array(matrix.astype(np.float32))


def _cubic_basis(positions: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return the B-spline weights of order 3, (positions, length), with mirrored ends."""
    basis = np.zeros((len(positions), length))
    base = np.floor(positions).astype(int)
    rows = np.arange(len(positions))
    for offset in (-1, 0, 1, 2):
        distance = np.abs(positions - (base + offset))
        near = 2 / 3 - distance**2 + distance**3 / 2
        far = np.clip(2 - distance, 0, None) ** 3 / 6
        index = np.abs(base + offset)
        index = np.where(index > length - 1, 2 * (length - 1) - index, index)
        np.add.at(basis, (rows, index), np.where(distance < 1, near, far))
    return basis
