"""Masks whose foreground is not written as 1: 0.9999, 255, or the remains of an interpolation between 0 and these."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError

# Rounding around 0, of files that went through float formats.
_NOTHING = 1e-5
# The foreground's value is a high percentile of what is above 0, so that a stray voxel does not set it.
_PERCENTILE = 99.0
# More different small whole numbers than a mask has: these are labels.
_FEW = 20


def binarise(voxels: NDArray[np.generic], where: str) -> NDArray[np.bool_]:
    """Return where a mask holds more than half of its foreground's value.

    That value is the 99th percentile of all values above 0, so that 0.9999, 254.9999 and 255 with the remains of an
    interpolation (1, 254) all read as one foreground. NaN and infinity count as nothing.

    Raises:
        DataError: its values are small whole numbers, of which each may mean something else.
    """
    values = np.nan_to_num(np.asarray(voxels, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    above = values > _NOTHING
    if not above.any():
        return above
    held = values[above]
    _refuse_labels(held, where)
    full = float(np.percentile(held, _PERCENTILE, method="lower"))
    return values > full / 2


def count_not_finite(voxels: NDArray[np.generic]) -> int:
    """Return how many voxels hold no number (NaN, infinity), which `binarise` reads as nothing."""
    return 0 if np.issubdtype(voxels.dtype, np.integer) else int((~np.isfinite(voxels)).sum())


def _refuse_labels(held: NDArray[np.float64], where: str) -> None:
    if held.max() > _FEW or not (held == np.rint(held)).all():
        return
    kinds = np.unique(held).astype(int).tolist()
    if len(kinds) > 1:
        raise DataError(
            f"{where}: holds the labels {', '.join(map(str, kinds))}. Expected a mask of one lesion label: write one "
            "file per label, or 1 for all of them."
        )
