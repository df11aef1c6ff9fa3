"""Resampling by one matrix per axis: cubic splines for images, linear for logits, shares of volume for labels.

Networks of nnU-Net see images through another spline, and the nearest slices of a coarse axis (`nnunet`).

Voxel centres map as centre to centre: output voxel j of n_out lies at (j + 0.5) * n_in / n_out - 0.5 of the input,
clipped to the outermost voxel centres.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from dataset_fingerprints.geometry import Triple, TripleFloat

Kind = Literal["cubic", "linear", "area", "spline", "nearest", "nearest_back"]
Matrices = tuple["scipy.sparse.csr_array | None", "scipy.sparse.csr_array | None", "scipy.sparse.csr_array | None"]


def target_shape(shape: Triple, spacing_mm: TripleFloat, target_mm: TripleFloat) -> Triple:
    """Return how many voxels of `target_mm` cover `shape` voxels of `spacing_mm`; a single slice stays one."""
    x, y, z = (
        max(1, round(length * have / want)) if length > 1 else 1
        for length, have, want in zip(shape, spacing_mm, target_mm, strict=True)
    )
    return (x, y, z)


# So many copies of the outermost voxels continue an image for `spline`, as in scipy.ndimage.zoom with mode "nearest".
_CONTINUED = 12


@lru_cache(maxsize=256)
def resampling_matrix(length: int, target: int, kind: Kind) -> scipy.sparse.csr_array:
    """Return the (target, length) matrix that resamples one axis.

    Cubic is the interpolating B-spline of order 3 with whole-sample symmetric ends, the same as
    `scipy.ndimage.map_coordinates(order=3, mode="mirror")`; its weights beyond 1e-6 of the unit are dropped, which
    keeps the matrix banded. Axes too short for a spline (under 4 voxels) are resampled linearly. Area is the mean
    over what a target voxel covers. Spline is the same B-spline through an image that goes on with its outermost
    voxels, which target voxels may lie beyond. Nearest takes the voxel behind, of two that are equally near;
    nearest_back the one before.
    """
    if kind == "area":
        return _averaging(length, target)
    if kind in ("nearest", "nearest_back"):
        return _choosing(length, target, forward=kind == "nearest")
    positions = (np.arange(target) + 0.5) * length / target - 0.5
    if kind == "spline":
        return _continued_spline(positions, length)
    positions = np.clip(positions, 0, length - 1)
    if kind == "linear" or length < 4:
        return _interpolation(positions, length)
    return _keep_band(_evaluate_spline(positions, np.eye(length)))


def resample(voxels: NDArray[np.float32], shape: Triple, kinds: tuple[Kind, Kind, Kind]) -> NDArray[np.float32]:
    """Resample the last three axes to `shape`; axes that keep their length are not touched.

    Args:
        voxels: (..., x, y, z).
        shape: the target lengths.
        kinds: the interpolation along each axis.
    """
    lengths = voxels.shape[-3:]
    x, y, z = (
        None if length == target else resampling_matrix(length, target, kind)
        for length, target, kind in zip(lengths, shape, kinds, strict=True)
    )
    return apply_matrices(voxels, (x, y, z))


def apply_matrices(voxels: NDArray[np.float32], matrices: Matrices) -> NDArray[np.float32]:
    """Multiply the last three axes by a matrix each; None leaves an axis as it is."""
    if voxels.ndim > 3:
        return np.stack([apply_matrices(part, matrices) for part in voxels])
    along_x, along_y, along_z = matrices
    # An axis that shrinks goes first, one that grows last: there is less to do in between.
    grows = along_x is not None and along_x.shape[0] > along_x.shape[1]
    result = voxels if along_x is None or grows else _multiply_first(along_x, voxels)
    if along_y is not None or along_z is not None:
        result = _multiply_planes(result, along_y, along_z)
    return _multiply_first(along_x, result) if along_x is not None and grows else result


def _multiply_first(matrix: scipy.sparse.csr_array, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    product: NDArray[np.float32] = matrix @ voxels.reshape(len(voxels), -1)
    return product.reshape(len(product), *voxels.shape[1:])


def _multiply_planes(
    voxels: NDArray[np.float32], along_y: scipy.sparse.csr_array | None, along_z: scipy.sparse.csr_array | None
) -> NDArray[np.float32]:
    """Multiply the last two axes, plane by plane: a plane and its transpose fit into the processor's cache."""
    x, y, z = voxels.shape
    y = y if along_y is None else along_y.shape[0]
    z = z if along_z is None else along_z.shape[0]
    result = np.empty((x, y, z), dtype=np.float32)
    for out, plane in zip(result, voxels, strict=True):
        product = plane if along_y is None else along_y @ plane
        out[:] = product if along_z is None else (along_z @ np.ascontiguousarray(product.T)).T
    return result


def _interpolation(positions: NDArray[np.float64], length: int) -> scipy.sparse.csr_array:
    lower = np.minimum(np.floor(positions).astype(int), max(length - 2, 0))
    upper = np.minimum(lower + 1, length - 1)
    weight = positions - lower
    rows = np.arange(len(positions))
    matrix = scipy.sparse.coo_array(
        (np.concatenate([1 - weight, weight]), (np.concatenate([rows, rows]), np.concatenate([lower, upper]))),
        shape=(len(positions), length),
    )
    return scipy.sparse.csr_array(matrix.astype(np.float32))


def _evaluate_spline(positions: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values (position, column) of the splines through columns, whose ends are mirrored."""
    coefficients = scipy.ndimage.spline_filter1d(columns, order=3, axis=0, mode="mirror")
    # Four weights a row: as a sparse product it does not wake up the threads of the linear algebra library.
    return np.asarray(scipy.sparse.csr_array(_cubic_basis(positions, len(columns))) @ coefficients)


def _continued_spline(positions: NDArray[np.float64], length: int) -> scipy.sparse.csr_array:
    continued = np.pad(np.eye(length), ((_CONTINUED, _CONTINUED), (0, 0)), mode="edge")
    return _keep_band(_evaluate_spline(positions + _CONTINUED, continued))


def _keep_band(dense: NDArray[np.float64]) -> scipy.sparse.csr_array:
    dense[np.abs(dense) < 1e-6] = 0
    return scipy.sparse.csr_array(dense.astype(np.float32))


def _choosing(length: int, target: int, *, forward: bool) -> scipy.sparse.csr_array:
    scale = length / target
    nearest = np.clip(np.floor(scale * (np.arange(target) + 0.5) - 0.5 + 0.5), 0, length - 1).astype(int)
    if not forward:
        nearest = (length - 1 - nearest)[::-1]
    ones = np.ones(target, dtype=np.float32)
    return scipy.sparse.csr_array((ones, (np.arange(target), nearest)), shape=(target, length))


def _averaging(length: int, target: int) -> scipy.sparse.csr_array:
    edges = np.arange(target + 1) * (length / target)
    voxel = np.arange(length)
    covered = np.minimum(edges[1:, None], voxel + 1) - np.maximum(edges[:-1, None], voxel)
    covered[covered < 1e-9] = 0
    return scipy.sparse.csr_array((covered * (target / length)).astype(np.float32))


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
