"""Smooth random fields: the shapes of warps, lesion borders, texture and coil sensitivity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

FloatArray = NDArray[np.float32]
MaskArray = NDArray[np.bool_]


def build_smooth_field(shape: tuple[int, ...], spacing_mm: float, length_mm: float, seed: int) -> FloatArray:
    """Return a Gaussian random field of mean 0 and SD 1 at every voxel, correlated over about `length_mm`.

    White noise on a control grid of `length_mm` is interpolated by cubic B-splines, one axis at a time; the rows of
    each axis' matrix have unit norm, which makes the variance the same everywhere.
    """
    matrices = [_spline_matrix(length, length_mm / spacing_mm) for length in shape]
    controls = np.random.default_rng(seed).standard_normal([matrix.shape[1] for matrix in matrices], np.float32)
    field: FloatArray = np.einsum("abc,xa,yb,zc->xyz", controls, *matrices, optimize=True)
    return field


def _spline_matrix(length: int, knot_distance: float) -> FloatArray:
    positions = np.arange(length) / max(knot_distance, 1.0)
    knots = np.arange(-3, int(positions[-1]) + 5)
    weights = BSpline.design_matrix(positions, knots.astype(np.float64), 3).toarray()
    unit: FloatArray = (weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype(np.float32)
    return unit
