"""Agreement of measurements of the same cases: intraclass and concordance correlation, limits of agreement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

_LEVEL = 0.95
_NORMAL = float(special.ndtri((1 + _LEVEL) / 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class Coefficient:
    """A coefficient with its 95 % interval; None where the cases do not give one."""

    value: float | None
    ci95: tuple[float, float] | None


NO_COEFFICIENT = Coefficient(value=None, ci95=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitsOfAgreement:
    """Differences of two measurements, second minus first (Bland 1986).

    Attributes:
        bias: mean difference.
        sd: of the differences.
        lower: limit below which one in forty differences lies, if they are normal.
        upper: the same above.
        bias_ci95: 95 % interval of the bias.
        lower_ci95: of the lower limit.
        upper_ci95: of the upper one.
        slope: of differences on means: how much the bias grows with the size.
        slope_ci95: its 95 % interval.
        slope_p: p-value of no slope, that is of no proportional bias.
        n: number of cases.
    """

    bias: float
    sd: float
    lower: float
    upper: float
    bias_ci95: tuple[float, float]
    lower_ci95: tuple[float, float]
    upper_ci95: tuple[float, float]
    slope: float | None
    slope_ci95: tuple[float, float] | None
    slope_p: float | None
    n: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IntraclassCorrelations:
    """Single-measurement coefficients of a two-way table of cases and raters (Shrout 1979).

    Attributes:
        absolute: ICC(2,1): raters stand for others, and a rater who measures more disagrees.
        consistent: ICC(3,1): only these raters, each of whom may measure more or less throughout.
    """

    absolute: Coefficient
    consistent: Coefficient


def find_limits(first: NDArray[np.float64], second: NDArray[np.float64]) -> LimitsOfAgreement | None:
    """Return bias and limits of agreement of (n,) measurements; None below three cases."""
    n = len(first)
    if n < 3:
        return None
    differences = second - first
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    lower, upper = bias - _NORMAL * sd, bias + _NORMAL * sd
    student = float(special.stdtrit(n - 1, (1 + _LEVEL) / 2))
    # Standard errors of Bland 1986: sd / sqrt(n) of the bias, and of a limit sqrt(3) times as much.
    half = student * sd / math.sqrt(n)
    slope, interval, p = _find_slope((first + second) / 2, differences)
    return LimitsOfAgreement(
        bias=bias,
        sd=sd,
        lower=lower,
        upper=upper,
        bias_ci95=(bias - half, bias + half),
        lower_ci95=(lower - math.sqrt(3) * half, lower + math.sqrt(3) * half),
        upper_ci95=(upper - math.sqrt(3) * half, upper + math.sqrt(3) * half),
        slope=slope,
        slope_ci95=interval,
        slope_p=p,
        n=n,
    )


def find_intraclass(ratings: NDArray[np.float64]) -> IntraclassCorrelations:
    """Return ICC(2,1) and ICC(3,1) of (case, rater) measurements, with their intervals by F (Shrout 1979)."""
    n, k = ratings.shape
    if n < 2 or k < 2:
        return IntraclassCorrelations(absolute=NO_COEFFICIENT, consistent=NO_COEFFICIENT)
    mean = ratings.mean()
    of_cases, of_raters = ratings.mean(axis=1), ratings.mean(axis=0)
    between = k * float(((of_cases - mean) ** 2).sum()) / (n - 1)
    raters = n * float(((of_raters - mean) ** 2).sum()) / (k - 1)
    rest = ratings - of_cases[:, None] - of_raters[None] + mean
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    if between + error == 0:
        return IntraclassCorrelations(absolute=NO_COEFFICIENT, consistent=NO_COEFFICIENT)
    consistent = (between - error) / (between + (k - 1) * error)
    spread = between + (k - 1) * error + k * (raters - error) / n
    # Of two cases that two raters exchange, cases and raters do not differ at all.
    absolute = None if spread == 0 else (between - error) / spread
    interval = None if absolute is None else _bound_absolute(absolute, (between, raters, error), n, k)
    return IntraclassCorrelations(
        absolute=Coefficient(value=absolute, ci95=interval),
        consistent=Coefficient(value=consistent, ci95=_bound_consistent(between, error, n, k)),
    )


def find_concordance(first: NDArray[np.float64], second: NDArray[np.float64]) -> Coefficient:
    """Return the concordance correlation of (n,) measurements, its interval by Fisher's z (Lin 1989, as of 2000)."""
    n = len(first)
    if n < 2:
        return NO_COEFFICIENT
    variances = float(first.var()), float(second.var())
    covariance = float(((first - first.mean()) * (second - second.mean())).mean())
    shift = float(second.mean() - first.mean())
    total = sum(variances) + shift**2
    if total == 0:
        return NO_COEFFICIENT
    value = 2 * covariance / total
    spread = math.sqrt(variances[0] * variances[1])
    if n < 4 or spread == 0 or covariance == 0 or abs(value) >= 1 - 1e-12:
        return Coefficient(value=value, ci95=None)
    return Coefficient(value=value, ci95=_bound_concordance(value, covariance / spread, shift**2 / spread, n))


def find_pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> Coefficient:
    """Return the correlation of (n,) measurements, its interval by Fisher's z."""
    if len(first) < 2 or not first.std() or not second.std():
        return NO_COEFFICIENT
    value = float(np.corrcoef(first, second)[0, 1])
    if len(first) < 4 or abs(value) >= 1 - 1e-12:
        return Coefficient(value=value, ci95=None)
    half = _NORMAL / math.sqrt(len(first) - 3)
    return Coefficient(value=value, ci95=(math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half)))


def _bound_concordance(value: float, r: float, shift: float, n: int) -> tuple[float, float]:
    """Return the interval of a concordance correlation; `shift` is the squared one over both spreads."""
    square = value**2
    variance = (
        (1 - r**2) * square / ((1 - square) * r**2)
        + 2 * value**3 * (1 - value) * shift / (r * (1 - square) ** 2)
        - value**4 * shift**2 / (2 * r**2 * (1 - square) ** 2)
    ) / (n - 2)
    half, z = _NORMAL * math.sqrt(max(variance, 0.0)), math.atanh(value)
    return math.tanh(z - half), math.tanh(z + half)


def _bound_consistent(between: float, error: float, n: int, k: int) -> tuple[float, float] | None:
    if error == 0:
        return None
    ratio, freedom = between / error, (n - 1, (n - 1) * (k - 1))
    low = ratio / _quantile_f(freedom[0], freedom[1])
    high = ratio * _quantile_f(freedom[1], freedom[0])
    return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)


def _bound_absolute(value: float, squares: tuple[float, float, float], n: int, k: int) -> tuple[float, float] | None:
    between, raters, error = squares
    if error == 0:
        return None
    ratio = raters / error
    weight = k * value * ratio + n * (1 + (k - 1) * value) - k * value
    freedom = (
        (k - 1)
        * (n - 1)
        * weight**2
        / ((n - 1) * k**2 * value**2 * ratio**2 + (n * (1 + (k - 1) * value) - k * value) ** 2)
    )
    above, below = _quantile_f(n - 1, freedom), _quantile_f(freedom, n - 1)
    rest = k * raters + (k * n - k - n) * error
    low = n * (between - above * error) / (above * rest + n * between)
    high = n * (below * between - error) / (rest + n * below * between)
    return low, high


def _quantile_f(first: float, second: float) -> float:
    return float(special.fdtri(first, second, (1 + _LEVEL) / 2))


def _find_slope(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[float | None, tuple[float, float] | None, float | None]:
    """Return the slope of a straight line, its 95 % interval and its p-value."""
    n, square = len(x), float(((x - x.mean()) ** 2).sum())
    if square == 0:
        return None, None, None
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / square
    rest = y - y.mean() - slope * (x - x.mean())
    error = math.sqrt(float((rest**2).sum()) / (n - 2) / square)
    if error == 0:
        return slope, (slope, slope), 1.0 if slope == 0 else 0.0
    half = float(special.stdtrit(n - 2, (1 + _LEVEL) / 2)) * error
    return slope, (slope - half, slope + half), float(2 * special.stdtr(n - 2, -abs(slope) / error))
