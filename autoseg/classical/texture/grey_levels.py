"""The distribution of grey values in windows: moments, and shares of grey levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoseg.classical.texture.windows import Image, Windows

# Windows that are flatter than this, as a share of the whole range of grey values, have no skewness.
_FLAT = 1e-3
_NONE = 1e-12


def measure_moments(grey: Image, windows: Windows) -> dict[str, Image]:
    """Return mean, SD, skewness and excess kurtosis of grey values."""
    mean, square, cube, fourth = (windows.average(grey**power) for power in (1, 2, 3, 4))
    variance = np.maximum(square - mean**2, 0.0)
    third = cube - 3 * mean * square + 2 * mean**3
    last = fourth - 4 * mean * cube + 6 * mean**2 * square - 3 * mean**4
    sd = np.sqrt(variance)
    spread = np.where(sd > _FLAT, sd, 1.0)
    return {
        "mean": mean,
        "sd": sd,
        "skewness": np.where(sd > _FLAT, third / spread**3, 0.0),
        "kurtosis": np.where(sd > _FLAT, last / spread**4 - 3.0, 0.0),
    }


def measure_histogram(level: NDArray[np.int64], levels: int, windows: Windows) -> dict[str, Image]:
    """Return the share of every grey level, and the entropy of the shares in bits."""
    shares = [windows.average((level == one).astype(np.float64)) for one in range(levels)]
    named = {f"share_{one}": share for one, share in enumerate(shares, 1)}
    return named | {"entropy": find_entropy(np.stack(shares))}


def find_entropy(shares: Image) -> Image:
    """Return the entropy in bits of shares along the first axis."""
    return np.asarray(-(shares * np.log2(np.maximum(shares, _NONE))).sum(axis=0))
