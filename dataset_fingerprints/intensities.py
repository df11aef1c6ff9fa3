"""Intensity statistics of one channel over a set of voxels, and how those of many cases pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.fingerprint import IntensityStatistics

SKETCH_POINTS = 100


def measure_intensities(values: NDArray[np.float32]) -> IntensityStatistics:
    """Summarise intensities; all null for no voxels."""
    if values.size == 0:
        return IntensityStatistics(
            voxels=0,
            mean=None,
            sd=None,
            minimum=None,
            percentile_00_5=None,
            median=None,
            percentile_99_5=None,
            maximum=None,
        )
    low, median, high = (float(value) for value in np.percentile(values, (0.5, 50, 99.5)))
    return IntensityStatistics(
        voxels=int(values.size),
        mean=float(values.mean(dtype=np.float64)),
        sd=float(values.std(dtype=np.float64)),
        minimum=float(values.min()),
        percentile_00_5=low,
        median=median,
        percentile_99_5=high,
        maximum=float(values.max()),
    )


def sketch_intensities(values: NDArray[np.float32]) -> tuple[float, ...]:
    """Return `SKETCH_POINTS` evenly spaced quantiles, to six digits; empty for no voxels."""
    if values.size == 0:
        return ()
    points = (np.arange(SKETCH_POINTS) + 0.5) / SKETCH_POINTS
    return tuple(float(f"{value:.6g}") for value in np.quantile(values, points))


def pool_sketches(sketches: Sequence[tuple[float, ...]], voxels: int) -> IntensityStatistics:
    """Summarise several cases' sketches, each case with the same weight.

    Args:
        sketches: from `sketch_intensities`; empty ones do not count.
        voxels: how many voxels they stand for.
    """
    values = np.array([value for sketch in sketches for value in sketch], dtype=np.float32)
    return replace(measure_intensities(values), voxels=voxels)
