"""Bootstrap of means over cases: how far a figure made of them can be trusted.

Whole subjects are drawn, with all of their cases: sessions of one person are alike, and drawn one by one they would
make an interval that is too narrow. There is no interval of a median: the usual bootstraps of it fail on scores such as
Dice, of which many are the same or lie in two heaps (André 2025).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

RESAMPLES = 2000
# Of the weights of cases in all resamples. Larger ones are made again at each call, from draws of a byte per weight.
_KEPT_BYTES = 1 << 25
# Resamples of fewer cases repeat so few values that their spread says nothing of other cases.
LEAST_CASES = 5
# From means over cases, (...,) or (..., measurement), to the figure of interest, (...,).
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
# Subjects of cases, in their order; None where every case is a subject of its own.
Units = Sequence[str] | NDArray[np.int64] | None
IntervalKind = Literal["plain", "percentile", "bca"]
# The one that holds the truth most nearly as often as it says (log: "Intervals that hold what they promise").
USUAL_INTERVAL: IntervalKind = "bca"
_BOUNDS = (0.025, 0.975)
# Standard deviations beyond which float64 holds no share of the normal distribution: of two subjects, bounds lie there.
_FAR = 38.0


def bootstrap_interval(
    values: NDArray[np.float64],
    statistic: Statistic | None = None,
    *,
    units: Units = None,
    kind: IntervalKind = "plain",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % interval of a statistic of means over cases.

    Args:
        values: (n,) or (n, measurement), one entry per case, for example differences of two methods.
        statistic: from means over cases, (resample,) or (resample, measurement), to the figure of interest,
            (resample,); None for the mean itself. Resamples in which it is NaN do not count; where it always is, so is
            the interval.
        units: (n,) subjects of the cases: those of one are drawn together.
        kind: `plain`, quantiles of the resampled figures (Efron 1979); `percentile`, these as far out as Student's t
            is for so few subjects, and as their spread is underestimated (Hesterberg 2015); `bca`, which is also
            corrected for bias and skewness (Efron 1987).
        resamples: number of samples of as many subjects, drawn with replacement.
        seed: of the draws; values of as many cases share them, so that their intervals can be compared.

    Raises:
        ValueError: there is no case.
    """
    if not len(values):
        raise ValueError("no interval without a case: values is empty")
    places = find_places(units, len(values))
    means = resample_means(values, units=places, resamples=resamples, seed=seed)
    figures = means if statistic is None else statistic(means)
    defined = figures[~np.isnan(figures)]
    if not len(defined):
        return float("nan"), float("nan")
    bounds = _BOUNDS if kind == "plain" else _widen(int(places.max()) + 1)
    if kind == "bca":
        bounds = _correct_bounds(bounds, values, statistic, places, defined)
    low, high = np.percentile(defined, [100 * bound for bound in bounds])
    return float(low), float(high)


def resample_means(
    values: NDArray[np.float64], *, units: Units = None, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """Return means over cases of (n,) or (n, measurement) values in samples of subjects, (resample, ...)."""
    weights = _find_weights(find_places(units, len(values)).tobytes(), resamples, seed)
    if values.ndim == 1:
        return weights @ values
    # One measurement at a time: equal measurements then have equal means to the last digit, and no difference.
    return np.stack([weights @ measurement for measurement in np.ascontiguousarray(values.T)], axis=-1)


def find_places(units: Units, n: int) -> NDArray[np.int64]:
    """Return the number of each case's subject, counted from 0 in the order of the cases.

    Raises:
        ValueError: there are more or fewer subjects than cases.
    """
    if units is None:
        return np.arange(n, dtype=np.int64)
    if len(units) != n:
        raise ValueError(f"{len(units)} subjects are given for {n} cases. Expected one for each.")
    known: dict[object, int] = {}
    return np.array([known.setdefault(unit, len(known)) for unit in np.asarray(units).tolist()], dtype=np.int64)


def sum_by_unit(values: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sums of (case, ...) values over the cases of each subject, (subject, ...); empty without a case."""
    sums = np.zeros((int(places.max(initial=-1)) + 1, *values.shape[1:]))
    np.add.at(sums, places, values)
    return sums


def average_by_unit(values: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the means of (case, ...) values over the cases of each subject, (subject, ...)."""
    counts = np.bincount(places).reshape(-1, *([1] * (values.ndim - 1)))
    means: NDArray[np.float64] = sum_by_unit(values, places) / counts
    return means


def widen_quantiles(normal: NDArray[np.float64], units: int) -> NDArray[np.float64]:
    """Return quantiles of the normal distribution as far out as those of the bootstrap are to be for few subjects."""
    if units < 2:
        return normal
    reach: NDArray[np.float64] = special.stdtrit(units - 1, special.ndtr(normal)) * np.sqrt(units / (units - 1))
    return reach


def _widen(units: int) -> tuple[float, float]:
    low, high = special.ndtr(widen_quantiles(special.ndtri(np.array(_BOUNDS)), units))
    return float(low), float(high)


def _correct_bounds(
    bounds: tuple[float, float],
    values: NDArray[np.float64],
    statistic: Statistic | None,
    places: NDArray[np.int64],
    figures: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the quantiles of the resampled figures that lie at the bounds (Efron 1987)."""
    observed = _apply(statistic, values.mean(axis=0)[None])[0]
    # Figures that are the same, as of scores that are few numbers, lie half below.
    below = (np.mean(figures < observed) + np.mean(figures <= observed)) / 2
    if not 0 < below < 1:
        return bounds
    bias, turn = special.ndtri(below), _measure_acceleration(values, statistic, places)
    normal = np.clip(special.ndtri(np.array(bounds)) + bias, -_FAR, _FAR)
    bend = 1 - turn * normal
    # So skewed that no resample lies far enough out: the outermost one is as far as they go.
    reach = np.where(bend > 0, normal / np.where(bend > 0, bend, 1.0), np.copysign(np.inf, normal))
    low, high = special.ndtr(bias + reach)
    return float(low), float(high)


def _measure_acceleration(values: NDArray[np.float64], statistic: Statistic | None, places: NDArray[np.int64]) -> float:
    """Return the skewness of the figure over samples that each lack one subject, a sixth of it."""
    sums = sum_by_unit(values, places)
    if len(sums) < 2:
        return 0.0
    counts = len(values) - np.bincount(places).reshape(-1, *([1] * (values.ndim - 1)))
    left = _apply(statistic, (sums.sum(axis=0) - sums) / counts)
    away = left[~np.isnan(left)]
    away = away.mean() - away
    largest = float(np.abs(away).max(initial=0.0))
    if not largest:
        return 0.0
    away = away / largest  # Cubes of small numbers would be lost, or 0.
    spread = float((away**2).sum())
    return float((away**3).sum()) / (6 * math.sqrt(spread) ** 3)


def _apply(statistic: Statistic | None, means: NDArray[np.float64]) -> NDArray[np.float64]:
    return means if statistic is None else statistic(means)


def _find_weights(places: bytes, resamples: int, seed: int) -> NDArray[np.float64]:
    """Return (resamples, n): each row's share of every case in one sample of subjects drawn with replacement.

    They are made in one piece even of many cases: means of blocks of rows can differ in their last digit.
    """
    # A place takes as many bytes as a weight.
    is_small = resamples * len(places) <= _KEPT_BYTES
    return _keep_weights(places, resamples, seed) if is_small else _make_weights(places, resamples, seed)


@lru_cache(maxsize=4)
def _keep_weights(places: bytes, resamples: int, seed: int) -> NDArray[np.float64]:
    return _make_weights(places, resamples, seed)


def _make_weights(places: bytes, resamples: int, seed: int) -> NDArray[np.float64]:
    weights = _draw(places, resamples, seed).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


@lru_cache(maxsize=4)
def _draw(places: bytes, resamples: int, seed: int) -> NDArray[np.unsignedinteger]:
    """Return (resamples, n): how often each row holds every case, in the smallest type that holds the numbers."""
    unit_of = np.frombuffer(places, dtype=np.int64)
    units = int(unit_of.max()) + 1
    counts = np.random.default_rng(seed).multinomial(units, np.full(units, 1.0 / units), size=resamples)
    drawn: NDArray[np.unsignedinteger] = counts.astype(np.min_scalar_type(int(counts.max())))[:, unit_of]
    return drawn
