"""Intensities mapped linearly from one range to another: of percentiles, or of a fixed window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A range of a channel below it is a single value.
SMALLEST_RANGE = 1e-8


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
    if width < SMALLEST_RANGE:
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
