"""Interval of a gain that was chosen as the best of many: it holds for all of them at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from autoseg.evaluation.statistics.resampling import sum_by_unit
from autoseg.models.selection import Gain

LEVEL = 0.95
RESAMPLES = 2000
_SEED = 0


def find_interval(gains: NDArray[np.float64], tried: NDArray[np.float64], units: NDArray[np.int64]) -> Gain:
    """Return the mean of paired gains and an interval that holds for the best of all candidates.

    Cross-fitting alone leaves a bias: any two choices share most of their cases, so that what is best by chance is
    chosen in every fold, and its gain by chance is counted. The width is therefore that by which the largest of all
    candidates' means, in units of its standard error, exceeds its expectation by chance (Westfall 1993), of sums over
    subjects, multiplied by random numbers (Wu 1986).

    Args:
        gains: (case,) of the choices, each made without the case.
        tried: (case, candidate) gains of all candidates.
        units: (case,) the number of its subject.
    """
    mean = float(gains.mean())
    error = float(standard_errors(gains[:, None], units)[0])
    half = widen(tried, units) * error
    return Gain(mean=mean, low=mean - half, high=mean + half)


def widen(tried: NDArray[np.float64], units: NDArray[np.int64]) -> float:
    """Return how many standard errors the interval reaches to each side."""
    rest = _sum_by_unit(tried - tried.mean(axis=0), units)
    spread = np.sqrt((rest**2).sum(axis=0))
    rest = rest[:, spread > 0] / spread[spread > 0]
    count = len(rest)
    if not rest.shape[1]:
        return float(special.stdtrit(max(count - 1, 1), (1 + LEVEL) / 2))
    draws = np.random.default_rng(_SEED).standard_normal((RESAMPLES, count))
    largest = np.abs(draws @ rest).max(axis=1)
    # Of few subjects, as many as Student's t needs for what the normal distribution says.
    return -float(special.stdtrit(max(count - 1, 1), special.ndtr(-np.quantile(largest, LEVEL))))


def standard_errors(values: NDArray[np.float64], units: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the standard errors of the means of (case, ...) values, cases of one subject counted together."""
    rest = _sum_by_unit(values - values.mean(axis=0), units)
    count = len(rest)
    errors: NDArray[np.float64] = np.sqrt((rest**2).sum(axis=0) * count / max(count - 1, 1)) / len(values)
    return errors


def _sum_by_unit(values: NDArray[np.float64], units: NDArray[np.int64]) -> NDArray[np.float64]:
    return sum_by_unit(values, np.unique(units, return_inverse=True)[1])
