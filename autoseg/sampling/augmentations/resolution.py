"""Blur and low resolution: both are one small matrix per axis, so that rows with different strengths share a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.sampling.augmentations.rows import to_device

BLUR_TRUNCATION = 4.0  # in standard deviations, as scipy.ndimage.gaussian_filter


def sample_sigmas(rng: np.random.Generator, low: float, high: float, axes: int) -> tuple[float, ...]:
    """Draw the blur's standard deviation in voxels along each axis."""
    return tuple(float(rng.uniform(low, high)) for _ in range(axes))


def sample_zooms(rng: np.random.Generator, low: float, high: float, zoomed: Sequence[bool]) -> tuple[float, ...]:
    """Draw one zoom for all axes that take part; the others keep 1."""
    zoom = float(rng.uniform(low, high))
    return tuple(zoom if takes_part else 1.0 for takes_part in zoomed)


def apply_blur(rows: torch.Tensor, sigmas: Sequence[tuple[float, ...]]) -> torch.Tensor:
    """Blur each row with its own Gaussian; the image is mirrored at its border."""
    return _apply_separable(rows, sigmas, make_blur_matrix)


def apply_low_resolution(rows: torch.Tensor, zooms: Sequence[tuple[float, ...]]) -> torch.Tensor:
    """Take every row down to a share of its voxels (the nearest ones) and back up linearly."""
    return _apply_separable(rows, zooms, make_low_resolution_matrix)


def make_blur_matrix(length: int, sigma: float) -> NDArray[np.float64]:
    """Return the (length, length) matrix that blurs a line of voxels, mirrored beyond its ends."""
    radius = int(BLUR_TRUNCATION * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    lines = np.arange(length)[:, None]
    wrapped = (lines + offsets) % (2 * length)
    mirrored = np.minimum(wrapped, 2 * length - 1 - wrapped)
    matrix = np.zeros((length, length))
    np.add.at(matrix, (np.broadcast_to(lines, mirrored.shape), mirrored), weights / weights.sum())
    return matrix


def make_low_resolution_matrix(length: int, zoom: float) -> NDArray[np.float64]:
    """Return the (length, length) matrix that keeps the nearest voxels on a coarser line and interpolates back."""
    coarse = max(1, round(length * zoom))
    nearest = np.floor((np.arange(coarse) + 0.5) * length / coarse).astype(int)
    place = np.clip((np.arange(length) + 0.5) * coarse / length - 0.5, 0, coarse - 1)
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, coarse - 1)
    matrix = np.zeros((length, length))
    lines = np.arange(length)
    matrix[lines, nearest[below]] += 1 - (place - below)
    matrix[lines, nearest[above]] += place - below
    return matrix


def _apply_separable(
    rows: torch.Tensor, values: Sequence[tuple[float, ...]], make_matrix: Callable[[int, float], NDArray[np.float64]]
) -> torch.Tensor:
    for axis, per_row in enumerate(zip(*values, strict=True)):
        matrices = np.stack([make_matrix(rows.shape[1 + axis], value) for value in per_row])
        rows = apply_along(rows, to_device(matrices, rows.device), 1 + axis)
    return rows


def apply_along(rows: torch.Tensor, matrices: torch.Tensor, axis: int) -> torch.Tensor:
    """Multiply every line along one axis by its row's matrix; matrices are (row, length, length)."""
    shape = rows.shape
    if axis == rows.ndim - 1:
        return (rows.reshape(shape[0], -1, shape[axis]) @ matrices.transpose(1, 2)).reshape(shape)
    lines = rows.reshape(shape[0], -1, shape[axis], shape[axis + 1 :].numel())
    return (matrices[:, None] @ lines).reshape(shape)
