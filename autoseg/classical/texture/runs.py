"""Runs of one grey level along a line (Galloway 1975), over four directions together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoseg.classical.texture.co_occurrence import DIRECTIONS
from autoseg.classical.texture.windows import Image, Step, Windows, shift


def measure_runs(level: NDArray[np.int64], longest: int, windows: Windows) -> dict[str, Image]:
    """Return short-run emphasis, long-run emphasis and the number of runs per voxel.

    A run of n voxels counts in a window by the share of it that lies there: every voxel of it stands for 1/n runs.

    Args:
        level: (x, y) grey levels from 0 on; -1 outside.
        longest: so far to either side a voxel's run is followed.
        windows: that are measured.
    """
    runs, short, long = (np.zeros(level.shape) for _ in range(3))
    for step in DIRECTIONS:
        length = _measure_lengths(level, step, longest)
        runs += 1 / length
        short += 1 / length**3
        long += length
    number, squares = windows.average(runs), (windows.average(short), windows.average(long))
    some = np.where(number > 0, number, 1.0)
    return {
        "short_runs": squares[0] / some,
        "long_runs": squares[1] / some,
        "runs": number / len(DIRECTIONS),
    }


def _measure_lengths(level: NDArray[np.int64], step: Step, longest: int) -> Image:
    """Return for every voxel the length of the run that it lies in along a direction."""
    length = np.ones(level.shape)
    for sign in (1, -1):
        going = np.ones(level.shape, dtype=bool)
        for distance in range(1, longest + 1):
            going &= shift(level, (sign * distance * step[0], sign * distance * step[1]), -2) == level
            if not going.any():
                break
            length += going
    return length
