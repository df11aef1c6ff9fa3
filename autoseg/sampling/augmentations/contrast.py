"""Brightness, contrast and gamma: each value changes by itself, in a way that depends on one factor per channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from autoseg.sampling.augmentations.rows import spatial_axes, to_column

SMALLEST_DIVISOR = 1e-7


def sample_factor(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a factor, half of the time below 1 and half of the time above, evenly on each side (as nnU-Net does)."""
    if low < 1 < high:
        low, high = (low, 1.0) if rng.random() < 0.5 else (1.0, high)
    return float(rng.uniform(low, high))


def apply_brightness(rows: torch.Tensor, factors: Sequence[float]) -> torch.Tensor:
    """Multiply each row by its factor."""
    return rows * to_column(factors, rows)


def apply_contrast(rows: torch.Tensor, factors: Sequence[float]) -> torch.Tensor:
    """Stretch each row about its mean, and keep its range by clipping."""
    axes = spatial_axes(rows)
    factor = to_column(factors, rows)
    mean, low, high = rows.mean(axes, keepdim=True), rows.amin(axes, keepdim=True), rows.amax(axes, keepdim=True)
    return torch.clamp(rows * factor + mean * (1 - factor), low, high)


def apply_gamma(rows: torch.Tensor, exponents: Sequence[float]) -> torch.Tensor:
    """Raise each row, scaled to 0..1, to its exponent, and give it back its mean and standard deviation."""
    axes = spatial_axes(rows)
    low = rows.amin(axes, keepdim=True)
    width = (rows.amax(axes, keepdim=True) - low).clamp(min=SMALLEST_DIVISOR)
    curved = ((rows - low) / width).pow(to_column(exponents, rows))
    mean = rows.mean(axes, keepdim=True)
    curved -= curved.mean(axes, keepdim=True)
    deviation, new_deviation = _root_mean_square(rows - mean), _root_mean_square(curved)
    return curved * (deviation / new_deviation.clamp(min=SMALLEST_DIVISOR)) + mean


def apply_inverted_gamma(rows: torch.Tensor, exponents: Sequence[float]) -> torch.Tensor:
    """Do as `apply_gamma` on the negative, so that the bright end bends instead of the dark one."""
    return -apply_gamma(-rows, exponents)


def _root_mean_square(rows: torch.Tensor) -> torch.Tensor:
    # Faster on a CPU than torch.std_mean.
    return rows.square().mean(spatial_axes(rows), keepdim=True).sqrt()
