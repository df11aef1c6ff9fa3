"""The simplest rival: a lesion is what is unusually dark. A simulation that it solves would prove nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def threshold_baseline(image: NDArray[Any], sigmas: float = 3.0) -> NDArray[np.bool_]:
    """Return the mask of the brain's voxels that are darker than its mean by more than `sigmas` SD.

    Args:
        image: one skull-stripped T1w scan; every voxel that is not 0 counts as brain.
    """
    brain: NDArray[np.bool_] = image != 0
    if not brain.any():
        return brain
    values = image[brain].astype(np.float64)
    return np.asarray(brain & (image < values.mean() - sigmas * values.std()))
