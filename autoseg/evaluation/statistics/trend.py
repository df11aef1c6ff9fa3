"""Straight line of a score over the logarithm of a size, and how much of its spread that explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.statistics.resampling import LEAST_CASES, USUAL_INTERVAL, Units, bootstrap_interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Trend:
    """A score over log10 of a size, by least squares.

    Attributes:
        slope: change of the score where the size is ten times as large.
        slope_ci95: its 95 % interval, by resampling subjects: scores of small lesions spread more than those of large
            ones, which the usual formula does not allow for. None below `LEAST_CASES` subjects.
        intercept: score at a size of 1.
        r2: share of the score's variance that the line explains.
        n: number of cases.
    """

    slope: float
    slope_ci95: tuple[float, float] | None
    intercept: float
    r2: float | None
    n: int


def find_trend(scores: NDArray[np.float64], sizes: NDArray[np.float64], units: Units = None) -> Trend | None:
    """Return the line of (n,) scores over log10 of (n,) sizes above 0; None where there is none.

    Args:
        scores: of the cases.
        sizes: of the cases, above 0.
        units: subjects of the cases.
    """
    logs = np.log10(sizes)
    if len(scores) < 3 or float(np.ptp(logs)) == 0:
        return None
    moments = np.stack([logs, scores, logs * scores, logs**2], axis=1)
    slope = float(_slope(moments.mean(axis=0)[None])[0])
    intercept = float(scores.mean() - slope * logs.mean())
    total = float(((scores - scores.mean()) ** 2).sum())
    rest = float(((scores - intercept - slope * logs) ** 2).sum())
    enough = (len(scores) if units is None else len(set(units))) >= LEAST_CASES
    with np.errstate(divide="ignore", invalid="ignore"):
        interval = bootstrap_interval(moments, _slope, units=units, kind=USUAL_INTERVAL) if enough else None
    return Trend(
        slope=slope,
        slope_ci95=interval,
        intercept=intercept,
        r2=None if total == 0 else 1 - rest / total,
        n=len(scores),
    )


def _slope(means: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, xy, xx = means.T
    spread = xx - x**2
    return np.where(spread > 1e-12, (xy - x * y) / spread, np.nan)
