"""Artefacts of MRI scanners: coil sensitivity, ghosts, ringing at edges, thick slices.

Ghosts and ringing are filters of the spatial frequencies along an axis, and a filter along an axis is one small matrix,
so that rows with different strengths share a batch and no Fourier transform is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.sampling.augmentations.resolution import apply_along, make_low_resolution_matrix
from autoseg.sampling.augmentations.rows import spatial_axes, to_device
from autoseg.sampling.augmentations.splines import spread_control_points

BIAS_POINTS = 4  # control points per axis of a coil's sensitivity


@dataclass(frozen=True, kw_only=True, slots=True)
class AxisEffect:
    """An effect along one axis of those that the network sees.

    Attributes:
        amount: what it means is up to the effect.
        count: of ghosts; 0 elsewhere.
    """

    axis: int
    amount: float
    count: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bias:
    """A coil's sensitivity: the logarithms at control points, in C order."""

    log_sensitivity: tuple[float, ...]


def sample_bias(rng: np.random.Generator, highest_deviation: float, axes: int) -> Bias:
    """Draw a smooth field whose logarithm has a standard deviation up to the highest at its control points."""
    deviation = rng.uniform(0.0, highest_deviation)
    return Bias(log_sensitivity=tuple(rng.normal(0.0, deviation, BIAS_POINTS**axes).tolist()))


def sample_ghosts(rng: np.random.Generator, highest_strength: float, axes: int) -> AxisEffect:
    """Draw an axis, two to six ghosts along it, and their strength."""
    axis, count = int(rng.integers(axes)), int(rng.integers(2, 7))
    return AxisEffect(axis=axis, amount=float(rng.uniform(0.1, 1.0) * highest_strength), count=count)


def sample_ringing(rng: np.random.Generator, lowest_share: float, axes: int) -> AxisEffect:
    """Draw an axis and the share of its frequencies that were measured."""
    return AxisEffect(axis=int(rng.integers(axes)), amount=float(rng.uniform(lowest_share, 0.9)))


def sample_thick_slices(rng: np.random.Generator, highest_factor: float, axes: Sequence[int]) -> AxisEffect:
    """Draw one of the axes and how many times thicker its slices are."""
    return AxisEffect(axis=axes[int(rng.integers(len(axes)))], amount=float(rng.uniform(1.5, highest_factor)))


def apply_bias(rows: torch.Tensor, fields: Sequence[Bias]) -> torch.Tensor:
    """Multiply each row, measured from its lowest value, by its field; exact zeros, the background, stay."""
    shape = rows.shape[1:]
    points = np.array([field.log_sensitivity for field in fields]).reshape(-1, *(BIAS_POINTS,) * len(shape))
    field = spread_control_points(to_device(points, rows.device), shape).exp()
    low = rows.amin(spatial_axes(rows), keepdim=True)
    return torch.where(rows == 0, rows, (rows - low) * field + low)


def apply_ghosts(rows: torch.Tensor, ghosts: Sequence[AxisEffect]) -> torch.Tensor:
    """Add weak copies of each row to it, shifted along an axis, as a pulsating or moving body gives."""
    return _apply_effects(rows, ghosts, lambda length, ghost: make_ghost_matrix(length, ghost.count, ghost.amount))


def apply_ringing(rows: torch.Tensor, cuts: Sequence[AxisEffect]) -> torch.Tensor:
    """Cut off each row's highest frequencies along an axis, which rings beside every edge (Gibbs 1899)."""
    return _apply_effects(rows, cuts, lambda length, cut: make_ringing_matrix(length, cut.amount))


def apply_thick_slices(rows: torch.Tensor, slices: Sequence[AxisEffect]) -> torch.Tensor:
    """Take each row down to thicker slices along one axis and back up linearly."""
    return _apply_effects(rows, slices, lambda length, thick: make_low_resolution_matrix(length, 1 / thick.amount))


def make_ringing_matrix(length: int, share: float) -> NDArray[np.float64]:
    """Return the (length, length) matrix that keeps this share of the frequencies of a line."""
    frequencies = np.abs(np.fft.fftfreq(length))
    return _filter_matrix((frequencies <= max(0.5 * share, 1 / length)).astype(np.float64))


def make_ghost_matrix(length: int, count: int, strength: float) -> NDArray[np.float64]:
    """Return the (length, length) matrix that weakens every `count`-th frequency but the lowest of a line."""
    kept = np.ones(length)
    index = np.rint(np.fft.fftfreq(length) * length).astype(int)
    kept[(index % count == 0) & (np.abs(index) > 1)] = 1 - strength
    return _filter_matrix(kept)


def _filter_matrix(kept: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the circulant matrix of a filter of frequencies, in the order of `numpy.fft`."""
    response = np.fft.ifft(kept).real
    steps = np.arange(len(kept))
    return np.asarray(response[(steps[:, None] - steps[None, :]) % len(kept)])


def _apply_effects(
    rows: torch.Tensor,
    effects: Sequence[AxisEffect],
    make_matrix: Callable[[int, AxisEffect], NDArray[np.float64]],
) -> torch.Tensor:
    """Apply each row's matrix along the row's own axis; rows of one axis go together."""
    result = rows.clone()
    for axis in {effect.axis for effect in effects}:
        chosen = [row for row, effect in enumerate(effects) if effect.axis == axis]
        matrices = np.stack([make_matrix(rows.shape[1 + axis], effects[row]) for row in chosen])
        changed = apply_along(torch.stack([rows[row] for row in chosen]), to_device(matrices, rows.device), 1 + axis)
        for place, row in enumerate(chosen):
            result[row].copy_(changed[place])
    return result
