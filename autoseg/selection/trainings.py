"""Interval of what one way to train gains over another, of several trainings each: it counts cases and trainings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from autoseg.models.selection import Gain
from autoseg.selection.intervals import LEVEL, standard_errors


def find_interval_of_trainings(
    before: NDArray[np.float64], after: NDArray[np.float64], units: NDArray[np.int64], comparisons: int = 1
) -> Gain:
    """Return the mean gain of the same cases' scores and its interval.

    Other cases would give another gain, and so would other seeds: the variance is the sum of that of the mean over
    cases, of sums over subjects, and of those of the mean over either side's trainings, less a case's own luck with a
    training, which is in both (Dorfman 1992, with readers in the place of trainings). It is never below the larger of
    the two. Student's t has the degrees of freedom of Satterthwaite (1946) for the sum.

    Args:
        before: (training, case) scores; of a single training, its luck is not counted.
        after: (training, case) the same of the other way.
        units: (case,) the number of its subject.
        comparisons: that were made on these cases, this one with them: the level is that of Bonferroni for all.
    """
    gains = after.mean(axis=0) - before.mean(axis=0)
    of_cases = float(standard_errors(gains[:, None], units)[0]) ** 2
    parts, both = [(of_cases, len(np.unique(units)) - 1)], 0.0
    for side in (before, after):
        if len(side) > 1:
            parts.append((float(side.mean(axis=1).var(ddof=1)) / len(side), len(side) - 1))
            both += _find_variance_of_luck(side, units)
    whole = sum(part for part, _ in parts)
    variance = max(whole - both, of_cases, whole - of_cases)
    share = sum(part**2 / max(freedom, 1) for part, freedom in parts)
    freedom = variance**2 / share if share > 0 else 1.0
    width = float(special.stdtrit(freedom, 1 - (1 - LEVEL) / comparisons / 2))
    mean, half = float(gains.mean()), width * float(np.sqrt(variance))
    return Gain(mean=mean, low=mean - half, high=mean + half)


def _find_variance_of_luck(scores: NDArray[np.float64], units: NDArray[np.int64]) -> float:
    """Return the variance that cases' luck with single trainings gives the mean of (training, case) scores."""
    expected = scores.mean(axis=1, keepdims=True) + scores.mean(axis=0) - scores.mean()
    errors = standard_errors((scores - expected).T, units)
    return float((errors**2).mean()) / (len(scores) - 1)
