"""Intensities mapped linearly: from one range to another, or to mean 0 and deviation 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Two numbers of single precision are the same if they differ by less than this share of them.
SINGLE_PRECISION = float(np.finfo(np.float32).eps)
# No smaller number than this has all digits of single precision.
SMALLEST_SINGLE = float(np.finfo(np.float32).tiny)


def is_one_value(spread: float, low: float, high: float) -> bool:
    """Return whether intensities differ only by the rounding of single precision, in whatever unit they are.

    Args:
        spread: of the intensities: their range or their standard deviation.
        low: the lowest intensity.
        high: the highest one.
    """
    return spread <= max(SINGLE_PRECISION * max(abs(low), abs(high)), SMALLEST_SINGLE)


def standardize(channel: NDArray[np.float32], centre: float, scale: float) -> NDArray[np.float32]:
    """Return a channel less its centre, divided by its scale."""
    standard = channel - np.float32(centre)
    standard /= np.float32(max(scale, SMALLEST_SINGLE))
    return standard


def map_range(
    channel: NDArray[np.float32], source: tuple[float, float], target: tuple[float, float], *, clipped: bool
) -> NDArray[np.float32]:
    """Return a channel with a range of its intensities mapped linearly to another one.

    Args:
        channel: of any shape.
        source: the range that is mapped; where it holds a single value, this becomes the least of the target.
        target: what it becomes.
        clipped: whether intensities beyond the source become the ends of the target.
    """
    low, high = source
    width = high - low
    if is_one_value(width, low, high):
        return np.full_like(channel, target[0])
    inside = np.clip(channel, low, high) if clipped else channel
    factor = (target[1] - target[0]) / width
    mapped: NDArray[np.float32] = (inside - np.float32(low)) * np.float32(factor) + np.float32(target[0])
    return mapped


def map_percentiles(
    channel: NDArray[np.float32],
    body: NDArray[np.bool_],
    percentiles: tuple[float, float],
    target: tuple[float, float],
    *,
    clipped: bool,
    brain_only: bool,
) -> NDArray[np.float32]:
    """Return a channel with two percentiles of the body mapped linearly to two values; 0 outside of the body.

    Args:
        channel: (x, y, z).
        body: (x, y, z), True where the scan is not background.
        percentiles: the lower and the higher one, of the voxels that count.
        target: what they become.
        clipped: whether intensities beyond them become those values as well.
        brain_only: whether the scan shows the brain alone, so that all of its body counts; else what is above its mean.
    """
    counted = channel[body]
    if not counted.size:
        return np.zeros_like(channel)
    if not brain_only:
        above = counted[counted > counted.mean(dtype=np.float64)]
        counted = above if above.size else counted
    low, high = np.percentile(counted, percentiles)
    return np.where(body, map_range(channel, (float(low), float(high)), target, clipped=clipped), np.float32(0))
