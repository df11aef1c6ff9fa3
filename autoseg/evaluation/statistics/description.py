"""Distribution of a score over cases: its mean, spread and median, and an interval of the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.statistics.resampling import (
    LEAST_CASES,
    RESAMPLES,
    USUAL_INTERVAL,
    IntervalKind,
    Units,
    bootstrap_interval,
)


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


def measure_statistics(
    values: NDArray[np.float64],
    resamples: int = RESAMPLES,
    seed: int = 0,
    *,
    units: Units = None,
    kind: IntervalKind = USUAL_INTERVAL,
) -> Statistics:
    """Describe (n,) values; the interval is a widened one, of at least `LEAST_CASES` subjects."""
    n = len(values)
    if n == 0:
        return Statistics(mean=None, sd=None, median=None, ci95=None, n=0)
    mean, median = float(values.mean()), float(np.median(values))
    if n == 1:
        return Statistics(mean=mean, sd=None, median=median, ci95=None, n=1)
    enough = (n if units is None else len(set(units))) >= LEAST_CASES
    interval = bootstrap_interval(values, units=units, kind=kind, resamples=resamples, seed=seed) if enough else None
    return Statistics(mean=mean, sd=float(values.std(ddof=1)), median=median, ci95=interval, n=n)
