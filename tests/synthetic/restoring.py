"""Resampled labels brought back as `resample_labels` means them to come back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoseg.preprocessing.labels import matrices_back
from autoseg.preprocessing.rounding import rank_labels


def restore_labels(labels: NDArray[np.uint8], shape: tuple[int, ...], count: int) -> NDArray[np.uint8]:
    """Return the label map (x, y, z) of the shape that labels, indices 0..count - 1, were resampled from."""
    if labels.shape == shape:
        return labels
    return rank_labels(labels, matrices_back(labels.shape, shape), count).first
