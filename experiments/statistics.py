"""Do intervals cover the truth as often as they say, and do tests find what they promise? On made-up Dice scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from autoseg.evaluation.statistics import bootstrap_interval
from autoseg.evaluation.statistics.power import find_smallest_difference
from autoseg.evaluation.statistics.significance import compare_pairs

NUMBERS = (20, 50, 200)
REPEATS = 500
COVERAGE_COLUMNS = ("scores", "n", "BCa", "percentile", "not widened", "width", "drawn by case")
TEST_COLUMNS = ("differences", "n", "true difference", "bootstrap", "Wilcoxon", "t")
# Of two sessions of one subject.
_LIKENESS = 0.7

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """A distribution of scores, as the quantile at every share of cases from 0 to 1, linear between."""

    name: str
    shares: tuple[float, ...]
    quantiles: tuple[float, ...]

    def at(self, shares: Floats) -> Floats:
        """Return the scores at shares of cases."""
        return np.interp(shares, self.shares, self.quantiles)

    def mean(self) -> float:
        """Return the true mean."""
        widths, heights = np.diff(self.shares), np.array(self.quantiles)
        return float((widths * (heights[1:] + heights[:-1]) / 2).sum())


# Quantiles of the Dice of 1,450 scans of ATLAS R3.0 in five-fold cross-validation (5.4 % are 0).
ATLAS = Scores(
    name="as on ATLAS R3.0",
    shares=(0, 0.054, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 1),
    quantiles=(0, 0, 0.154, 0.516, 0.763, 0.858, 0.911, 0.930, 0.97),
)
DISTRIBUTIONS = (
    ATLAS,
    Scores(name="a fifth are 0", shares=(0, 0.2, 0.3, 0.6, 0.9, 1), quantiles=(0, 0, 0.3, 0.7, 0.85, 0.95)),
    Scores(
        name="a tenth are 0, a tenth 1",
        shares=(0, 0.1, 0.2, 0.5, 0.9, 0.9001, 1),
        quantiles=(0, 0, 0.4, 0.8, 0.92, 1, 1),
    ),
    Scores(name="skewed", shares=(0, 0.02, 0.1, 0.5, 1), quantiles=(0, 0.2, 0.75, 0.9, 0.97)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """Share of intervals that hold the true mean.

    Attributes:
        bca: of BCa intervals, widened for few subjects as in all tables.
        percentile: of percentile intervals, widened, too.
        plain: of percentile intervals as they are.
        width: mean width of the BCa intervals.
        by_case: of BCa intervals that draw cases though these come in pairs; None where each is a subject.
    """

    scores: str
    n: int
    bca: float
    percentile: float
    plain: float
    width: float
    by_case: float | None = None

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table."""
        shares = ("-" if share is None else f"{share:.1%}" for share in (self.bca, self.percentile, self.plain))
        by_case = "-" if self.by_case is None else f"{self.by_case:.1%}"
        return (self.scores, str(self.n), *shares, f"{self.width:.3f}", by_case)


@dataclass(frozen=True, kw_only=True, slots=True)
class Detection:
    """Share of comparisons that each test calls significant.

    Attributes:
        difference: the true one: 0, or the smallest that so many cases are said to show with a power of 80 %.
    """

    differences: str
    n: int
    difference: float
    bootstrap: float
    wilcoxon: float
    t: float

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table."""
        shares = (f"{share:.1%}" for share in (self.bootstrap, self.wilcoxon, self.t))
        return (self.differences, str(self.n), f"{self.difference:.4f}", *shares)


def measure_coverage(
    distributions: Sequence[Scores] = DISTRIBUTIONS, numbers: Sequence[int] = NUMBERS, repeats: int = REPEATS
) -> Iterator[Coverage]:
    """Yield the coverage of the 95 % intervals of means, of single cases and of subjects with two sessions each."""
    for scores in distributions:
        for n in numbers:
            yield _cover(scores, n, repeats)
    for n in numbers:
        yield _cover_sessions(distributions[0], n, repeats)


def measure_tests(numbers: Sequence[int] = NUMBERS, repeats: int = REPEATS) -> Iterator[Detection]:
    """Yield how often tests call a difference significant that is none, or that they are said to find."""
    for name, draw in DIFFERENCES.items():
        for n in numbers:
            generator = np.random.default_rng(n)
            smallest = find_smallest_difference(float(draw(generator, 200_000).std()), n)
            for true in (0.0, smallest or 0.0):
                yield _detect(name, draw, n, true, repeats)


def _cover(scores: Scores, n: int, repeats: int) -> Coverage:
    generator = np.random.default_rng(n)
    samples = [scores.at(generator.random(n)) for _ in range(repeats)]
    return _count(scores.name, scores.mean(), samples, n)


def _cover_sessions(scores: Scores, n: int, repeats: int) -> Coverage:
    """Return the coverage for n subjects of two sessions that are alike."""
    generator, samples = np.random.default_rng(n), []
    for _ in range(repeats):
        people = np.repeat(generator.standard_normal(n), 2)
        normal = np.sqrt(_LIKENESS) * people + np.sqrt(1 - _LIKENESS) * generator.standard_normal(2 * n)
        samples.append(scores.at(special.ndtr(normal)))
    truth, units = scores.mean(), np.repeat(np.arange(n), 2)
    found = _count(f"{scores.name}, two sessions", truth, samples, n, units)
    by_case = [bootstrap_interval(sample, kind="bca") for sample in samples]
    return replace(found, by_case=_share(by_case, truth))


def _count(
    name: str, truth: float, samples: Sequence[Floats], n: int, units: NDArray[np.int64] | None = None
) -> Coverage:
    # With the seed that all evaluations have, whose draws are made once.
    bca = [bootstrap_interval(sample, units=units, kind="bca") for sample in samples]
    percentile = [bootstrap_interval(sample, units=units, kind="percentile") for sample in samples]
    plain = [bootstrap_interval(sample, units=units) for sample in samples]
    return Coverage(
        scores=name,
        n=n,
        bca=_share(bca, truth),
        percentile=_share(percentile, truth),
        plain=_share(plain, truth),
        width=float(np.mean([high - low for low, high in bca])),
    )


def _share(intervals: Sequence[tuple[float, float]], truth: float) -> float:
    return sum(low <= truth <= high for low, high in intervals) / len(intervals)


def _draw_normal(generator: np.random.Generator, n: int) -> Floats:
    return 0.05 * generator.standard_normal(n)


def _draw_heavy(generator: np.random.Generator, n: int) -> Floats:
    """Return differences of which most are small and a tenth large, as of lesions that one system misses."""
    return np.where(generator.random(n) < 0.1, 0.3, 0.03) * generator.standard_normal(n)


DIFFERENCES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": _draw_normal,
    "a tenth are large": _draw_heavy,
}


def _detect(
    name: str, draw: Callable[[np.random.Generator, int], Floats], n: int, true: float, repeats: int
) -> Detection:
    generator = np.random.default_rng(n)
    found = [compare_pairs(np.zeros(n), draw(generator, n) + true) for _ in range(repeats)]
    shares = {
        test: float(np.mean([getattr(one, test) < 0.05 for one in found])) for test in ("bootstrap", "wilcoxon", "t")
    }
    return Detection(differences=name, n=n, difference=true, **shares)
