"""Smooth random fields: the shapes of warps, lesion borders, texture and coil sensitivity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.sparse import csr_array

FloatArray = NDArray[np.float32]
MaskArray = NDArray[np.bool_]
FloatVector = np.ndarray[tuple[int], np.dtype[np.float64]]
Axes = tuple[FloatVector, FloatVector, FloatVector]
Lengths = tuple[float, float, float]


def grid_axes(shape: tuple[int, ...], spacing_mm: Lengths) -> Axes:
    """Return the coordinates of a grid's voxels along each axis, from 0 on."""
    x, y, z = (np.arange(length, dtype=np.float64) * spacing for length, spacing in zip(shape, spacing_mm, strict=True))
    return (x, y, z)


def build_smooth_field(
    axes_mm: Axes, length_mm: float | Lengths, seed: int, extent_mm: tuple[float, float] | None = None
) -> FloatArray:
    """Return a Gaussian random field of mean 0 and SD 1 at every voxel, correlated over about `length_mm`.

    White noise on control points `length_mm` apart is interpolated by cubic B-splines, one axis at a time; the rows
    of each axis' matrix have unit norm, which makes the variance the same everywhere.

    Args:
        axes_mm: ascending coordinates of the voxels along each axis.
        length_mm: of all axes or of each; never less than a voxel.
        extent_mm: where the control points lie on every axis. With it the field is the same at a point whatever grid
            it is sampled on; beyond it the field goes on as at its edge. Without it, where `axes_mm` lie.
    """
    lengths = (length_mm,) * 3 if isinstance(length_mm, float) else length_mm
    x, y, z = (_spline_matrix(axis, length, extent_mm) for axis, length in zip(axes_mm, lengths, strict=True))
    a, b, c = x.shape[1], y.shape[1], z.shape[1]
    controls = np.random.default_rng(seed).standard_normal((c, a, b), np.float32)
    # One axis after the other, each as the first one; the matrices have four entries in a row.
    along_z = (z @ controls.reshape(c, -1)).reshape(-1, a, b)
    along_y = (y @ along_z.transpose(2, 1, 0).reshape(b, -1)).reshape(-1, a, len(axes_mm[2]))
    field: FloatArray = x @ along_y.transpose(1, 0, 2).reshape(a, -1)
    return field.reshape([len(axis) for axis in axes_mm])


def _spline_matrix(axis_mm: FloatVector, length_mm: float, extent_mm: tuple[float, float] | None) -> csr_array:
    low, high = extent_mm or (axis_mm[0], axis_mm[-1])
    step = float(axis_mm[1] - axis_mm[0]) if len(axis_mm) > 1 else 1.0
    knot_distance = length_mm if extent_mm else max(length_mm, step)
    positions = (np.clip(axis_mm, low, high) - low) / knot_distance
    knots = np.arange(-3, int((high - low) / knot_distance) + 5)
    weights = BSpline.design_matrix(positions, knots.astype(np.float64), 3)
    # The four weights of a position lie one after the other.
    rows = weights.data.reshape(-1, 4)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return csr_array((rows.ravel(), weights.indices, weights.indptr), shape=weights.shape)
