"""Intervals of what experiments compare."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def bootstrap_interval(values: NDArray[np.float64], statistic: Statistic | None = None) -> tuple[float, float]:
    """Return the 95 % interval of a statistic over cases (percentile bootstrap, Efron 1979).

    Args:
        values: (n, ...) one entry per case, for example differences of two methods.
        statistic: from means over cases, (resample, ...), to what is of interest, (resample,); None for the mean.
            Resamples for which it is not defined do not count; where it never is, the interval is NaN.
    """
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    means = values[drawn].mean(axis=1)
    resampled = means if statistic is None else statistic(means)
    defined = resampled[~np.isnan(resampled)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.percentile(defined, (2.5, 97.5))
    return float(low), float(high)
