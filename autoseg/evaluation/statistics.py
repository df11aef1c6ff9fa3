"""Distributions of scores over cases, and how far a figure made of them can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
# Resamples of fewer cases repeat so few values that their spread says nothing of other cases.
LEAST_CASES = 5
# From means over cases, (...,) or (..., measurement), to the figure of interest, (...,).
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """One metric's distribution over the cases in which it could be measured.

    Attributes:
        mean: None without any case.
        sd: of the sample; None below two cases.
        median: None without any case.
        ci95: bounds of the 95 % confidence interval of the mean; None below `LEAST_CASES`.
        n: number of cases measured.
    """

    mean: float | None
    sd: float | None
    median: float | None
    ci95: tuple[float, float] | None
    n: int


def measure_statistics(values: NDArray[np.float64], resamples: int = RESAMPLES, seed: int = 0) -> Statistics:
    """Describe (n,) values; the interval is that of `bootstrap_interval`."""
    n = len(values)
    if n == 0:
        return Statistics(mean=None, sd=None, median=None, ci95=None, n=0)
    mean, median = float(values.mean()), float(np.median(values))
    if n == 1:
        return Statistics(mean=mean, sd=None, median=median, ci95=None, n=1)
    interval = bootstrap_interval(values, resamples=resamples, seed=seed) if n >= LEAST_CASES else None
    return Statistics(mean=mean, sd=float(values.std(ddof=1)), median=median, ci95=interval, n=n)


def bootstrap_interval(
    values: NDArray[np.float64], statistic: Statistic | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of a statistic of means over cases (percentile bootstrap, Efron 1979).

    Args:
        values: (n,) or (n, measurement), one entry per case, for example differences of two methods.
        statistic: from means over cases, (resample,) or (resample, measurement), to the figure of interest,
            (resample,); None for the mean itself. Resamples in which it is NaN do not count; where it always is, so is
            the interval.
        resamples: number of samples of n cases, drawn with replacement.
        seed: of the draws; values of as many cases share them, so that their intervals can be compared.

    Raises:
        ValueError: there is no case.
    """
    if not len(values):
        raise ValueError("no interval without a case: values is empty")
    means = _resampled_means(values, _resample_weights(len(values), resamples, seed))
    figures = means if statistic is None else statistic(means)
    defined = figures[~np.isnan(figures)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def _resampled_means(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    if values.ndim == 1:
        return weights @ values
    # One measurement at a time: equal measurements then have equal means to the last digit, and no difference.
    return np.stack([weights @ measurement for measurement in np.ascontiguousarray(values.T)], axis=-1)


@lru_cache(maxsize=4)
def _resample_weights(n: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """Return (resamples, n): each row's share of every case in one sample of n cases drawn with replacement."""
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=resamples)
    return counts / n
