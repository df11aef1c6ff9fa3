"""Intensity statistics of one channel over a set of voxels, and how those of many cases pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.fingerprint import ChannelIntensities, IntensityStatistics

SKETCH_POINTS = 100
NO_INTENSITIES = IntensityStatistics(
    voxels=0,
    mean=None,
    sd=None,
    minimum=None,
    percentile_00_5=None,
    median=None,
    percentile_99_5=None,
    maximum=None,
)


def measure_channel(
    voxels: NDArray[np.float32], body: NDArray[np.bool_], foreground: NDArray[np.bool_]
) -> ChannelIntensities:
    """Measure one channel inside the body and inside the foreground.

    Args:
        voxels: (x, y, z).
        body: (x, y, z).
        foreground: (x, y, z).
    """
    # Sorted once, which is faster than asking for a hundred quantiles.
    inside, labelled = np.sort(voxels[body]), np.sort(voxels[foreground])
    return ChannelIntensities(
        body=measure_intensities(inside),
        foreground=measure_intensities(labelled),
        body_sketch=sketch_intensities(inside),
        foreground_sketch=sketch_intensities(labelled),
    )


def measure_intensities(values: NDArray[np.float32]) -> IntensityStatistics:
    """Summarise ascending intensities; all null for no voxels."""
    if values.size == 0:
        return NO_INTENSITIES
    low, median, high = _quantiles(values, np.array((0.005, 0.5, 0.995)))
    return IntensityStatistics(
        voxels=int(values.size),
        mean=float(values.mean(dtype=np.float64)),
        sd=float(values.std(dtype=np.float64)),
        minimum=float(values[0]),
        percentile_00_5=low,
        median=median,
        percentile_99_5=high,
        maximum=float(values[-1]),
    )


def sketch_intensities(values: NDArray[np.float32]) -> tuple[float, ...]:
    """Return `SKETCH_POINTS` evenly spaced quantiles of ascending intensities, to six digits; empty for no voxels."""
    if values.size == 0:
        return ()
    points = (np.arange(SKETCH_POINTS) + 0.5) / SKETCH_POINTS
    return tuple(float(f"{value:.6g}") for value in _quantiles(values, points))


def _quantiles(values: NDArray[np.float32], shares: NDArray[np.float64]) -> list[float]:
    """Return quantiles of ascending values, between two of them by their distance, as `np.quantile` does."""
    places = shares * (values.size - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, values.size - 1)
    lower, upper = values[below].astype(np.float64), values[above].astype(np.float64)
    return [float(value) for value in lower + (upper - lower) * (places - below)]


def pool_sketches(sketches: Sequence[tuple[float, ...]], voxels: int) -> IntensityStatistics:
    """Summarise several cases' sketches, each case with the same weight.

    Args:
        sketches: from `sketch_intensities`; empty ones do not count.
        voxels: how many voxels they stand for.
    """
    values = np.sort(np.array([value for sketch in sketches for value in sketch], dtype=np.float32))
    return replace(measure_intensities(values), voxels=voxels)
