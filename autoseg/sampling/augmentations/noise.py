"""Additive Gaussian noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """Noise of one channel: its standard deviation and what the device's generator starts from."""

    deviation: float
    seed: int


def sample_noise(rng: np.random.Generator, highest_deviation: float) -> Noise:
    """Draw a standard deviation from 0 to the highest, and a seed."""
    return Noise(deviation=float(rng.uniform(0.0, highest_deviation)), seed=int(rng.integers(2**62)))


def apply_noise(rows: torch.Tensor, noises: Sequence[Noise]) -> torch.Tensor:
    """Add each row's own noise; the same on every run on one kind of device."""
    added = torch.empty_like(rows)
    for row, noise in zip(added, noises, strict=True):
        generator = torch.Generator(rows.device).manual_seed(noise.seed)
        row.normal_(0.0, noise.deviation, generator=generator)
    return added.add_(rows)
