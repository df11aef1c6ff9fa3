"""Area under the ROC curve of cases, with the interval and the paired test that follow from its parts (DeLong 1988)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

_LEVEL = 0.95
_NORMAL = float(special.ndtri((1 + _LEVEL) / 2))
# Of a variance, below which it is rounding.
_ROUNDING = 1e-24


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """An area under a curve.

    Attributes:
        value: the share of pairs of a case with the outcome and one without it of which the first scores higher.
        ci95: its 95 % interval, cut off at 0 and 1; None with fewer than two cases of a kind, or where no case differs
            from others of its kind, as where all pairs are in order: the formula would call such an area exact.
        positives: number of cases with the outcome.
        negatives: number of those without it.
    """

    value: float
    ci95: tuple[float, float] | None
    positives: int
    negatives: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaComparison:
    """Areas of two scores of the same cases.

    Attributes:
        difference: second minus first.
        ci95: 95 % interval of the difference; None as for `p`.
        p: of no difference, two-sided; None where there are fewer than two cases of a kind, or all cases of a kind
            change by the same amount; where no pair changes it is 1.
    """

    first: Area
    second: Area
    difference: float
    ci95: tuple[float, float] | None
    p: float | None


def find_area(scores: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> Area | None:
    """Return the area under the curve of (n,) scores; None without a case of either kind."""
    if outcomes.all() or not outcomes.any():
        return None
    return _describe(_count_wins(scores, outcomes))


def compare_areas(
    first: NDArray[np.float64], second: NDArray[np.float64], outcomes: NDArray[np.bool_]
) -> AreaComparison | None:
    """Return the areas of two (n,) scores of the same cases, and their difference; None as for `find_area`."""
    if outcomes.all() or not outcomes.any():
        return None
    wins = _count_wins(first, outcomes), _count_wins(second, outcomes)
    change = wins[1] - wins[0]
    difference, variance = float(change.mean()), _measure_variance(change)
    interval, p = None, None
    if variance:
        half = _NORMAL * math.sqrt(variance)
        interval = difference - half, difference + half
        p = 2 * float(special.ndtr(-abs(difference) / math.sqrt(variance)))
    elif variance is not None and not change.any():
        interval, p = (0.0, 0.0), 1.0
    return AreaComparison(
        first=_describe(wins[0]), second=_describe(wins[1]), difference=difference, ci95=interval, p=p
    )


def _count_wins(scores: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return (positive, negative) 1 where the first scores higher, and 1/2 where both score the same."""
    positives, negatives = scores[outcomes][:, None], scores[~outcomes][None]
    wins: NDArray[np.float64] = (positives > negatives) + 0.5 * (positives == negatives)
    return wins


def _measure_variance(wins: NDArray[np.float64]) -> float | None:
    """Return the variance of the mean over all pairs, of which those of one case are alike; None for too few cases."""
    positives, negatives = wins.shape
    if positives < 2 or negatives < 2:
        return None
    of_positives, of_negatives = wins.mean(axis=1), wins.mean(axis=0)
    variance = float(of_positives.var(ddof=1) / positives + of_negatives.var(ddof=1) / negatives)
    return variance if variance > _ROUNDING else 0.0


def _describe(wins: NDArray[np.float64]) -> Area:
    value, variance = float(wins.mean()), _measure_variance(wins)
    interval = None
    if variance:
        half = _NORMAL * math.sqrt(variance)
        interval = max(0.0, value - half), min(1.0, value + half)
    return Area(value=value, ci95=interval, positives=wins.shape[0], negatives=wins.shape[1])
