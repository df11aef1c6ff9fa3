"""Comparison of systems that scored the same cases: means, paired differences, tests, and what the cases can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.analysis.shared_cases import SharedCases, share_cases
from autoseg.evaluation.metrics.metric import Direction
from autoseg.evaluation.results import Evaluation
from autoseg.evaluation.statistics import (
    LEAST_CASES,
    USUAL_INTERVAL,
    IntervalKind,
    Statistics,
    bootstrap_interval,
    measure_statistics,
)
from autoseg.evaluation.statistics.power import ALPHA, POWER, find_needed_cases, find_smallest_difference
from autoseg.evaluation.statistics.resampling import average_by_unit, find_places
from autoseg.evaluation.statistics.significance import PairedTests, compare_pairs, correct_holm
from dataset_fingerprints.names import counted

_TESTS = ("bootstrap", "wilcoxon", "t", "rank_sum")
# Below, bootstrap intervals of means are somewhat too narrow: `python -m experiments statistics` measures it.
_FEW = 50
NO_TESTS = PairedTests(bootstrap=None, wilcoxon=None, t=None, rank_sum=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemMean:
    """One system's scores of one label by one metric, over the shared cases."""

    system: str
    label: int | str
    metric: str
    statistics: Statistics


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Scores of the second system minus those of the first, case by case.

    Attributes:
        better: the metric's better direction.
        cases: number of those that both have a score of.
        subjects: number of subjects among these.
        left_out: shared cases of which one of both has no score.
        mean: None without a case.
        ci95: of the mean; None below `LEAST_CASES` subjects.
        sd: of the differences of subjects.
        tests: p-values.
        corrected: the same after Holm's correction for all differences that were tested, test by test.
        smallest: mean difference that so many subjects show with a power of 80 %, if differences spread as here.
        needed: subjects that it would take to show a difference of the size that was found.
    """

    label: int | str
    metric: str
    first: str
    second: str
    better: Direction
    cases: int
    subjects: int
    left_out: int
    mean: float | None
    ci95: tuple[float, float] | None
    sd: float | None
    tests: PairedTests = NO_TESTS
    corrected: PairedTests = NO_TESTS
    smallest: float | None = None
    needed: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemComparison:
    """Systems beside each other.

    Attributes:
        systems: their names, in the order given.
        cases: that all of them scored.
        subjects: number of subjects among these.
        titles: of metrics, with their units.
        names: of labels.
        tested: number of differences that Holm's correction allows for.
        remarks: what a reader has to know: cases left out, references that differ.
        simulated: whether the scans are simulated, of any of the systems.
    """

    systems: tuple[str, ...]
    cases: tuple[str, ...]
    subjects: int
    titles: Mapping[str, str]
    names: Mapping[int | str, str]
    means: tuple[SystemMean, ...]
    differences: tuple[Difference, ...]
    tested: int
    interval: IntervalKind
    alpha: float = ALPHA
    power: float = POWER
    remarks: tuple[str, ...] = ()
    simulated: bool = False


def compare_systems(
    systems: Mapping[str, Evaluation], *, metrics: Sequence[str] = (), interval: IntervalKind = USUAL_INTERVAL
) -> SystemComparison:
    """Compare systems on the cases that all of them scored.

    Args:
        systems: their evaluations by name, in the order in which they are shown; the second minus the first.
        metrics: to compare by; empty for Dice, HD95, lesion F1 and volume difference, as far as all have them.
        interval: the kind of the bootstrap interval.

    Raises:
        DataError: fewer than two systems, or they have no case, label or metric in common, or define one differently.
    """
    shared = share_cases(systems, metrics)
    means, differences = [], []
    for label in shared.labels:
        for metric in shared.metrics:
            scores = {name: shared.scores(name, label, metric) for name in systems}
            means += [_describe(name, label, metric, scores[name], shared, interval) for name in systems]
            differences += [
                _compare(label, metric, pair, (scores[pair[0]], scores[pair[1]]), shared, interval)
                for pair in combinations(systems, 2)
            ]
    subjects = len(shared.cases) if shared.subjects is None else len(set(shared.subjects))
    few = f"With {counted(subjects, 'subject')}, fewer than {_FEW}, intervals may be too narrow."
    return SystemComparison(
        systems=tuple(systems),
        cases=shared.cases,
        subjects=subjects,
        titles={metric: shared.titles[metric] for metric in shared.metrics},
        names={label: shared.name_of(label) for label in shared.labels},
        means=tuple(means),
        differences=correct_for_all(differences),
        tested=sum(one.tests.bootstrap is not None for one in differences),
        interval=interval,
        remarks=(*shared.remarks, *((few,) if subjects < _FEW else ())),
        simulated=any(evaluation.simulated for evaluation in systems.values()),
    )


def _describe(
    name: str,
    label: int | str,
    metric: str,
    scores: NDArray[np.float64],
    shared: SharedCases,
    interval: IntervalKind,
) -> SystemMean:
    known = ~np.isnan(scores)
    statistics = measure_statistics(scores[known], units=shared.subjects_of(known), kind=interval)
    return SystemMean(system=name, label=label, metric=metric, statistics=statistics)


def _compare(
    label: int | str,
    metric: str,
    pair: tuple[str, str],
    scores: tuple[NDArray[np.float64], NDArray[np.float64]],
    shared: SharedCases,
    interval: IntervalKind,
) -> Difference:
    known = ~np.isnan(scores[0]) & ~np.isnan(scores[1])
    first, second = scores[0][known], scores[1][known]
    units = shared.subjects_of(known)
    places = find_places(units, len(first))
    count = len(set(places.tolist()))
    difference = Difference(
        label=label,
        metric=metric,
        first=pair[0],
        second=pair[1],
        better=shared.better[metric],
        cases=len(first),
        subjects=count,
        left_out=int((~known).sum()),
        mean=float((second - first).mean()) if count else None,
        ci95=None,
        sd=None,
    )
    if count < 2:
        return difference
    sd = float(average_by_unit(second - first, places).std(ddof=1))
    difference = replace(difference, sd=sd, smallest=find_smallest_difference(sd, count))
    if count < LEAST_CASES:
        return difference
    return replace(
        difference,
        ci95=bootstrap_interval(second - first, units=places, kind=interval),
        tests=compare_pairs(first, second, units=places),
        needed=find_needed_cases(difference.mean, sd) if difference.mean else None,
    )


def correct_for_all(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return the differences with p-values that allow for the number of them, of each test for itself."""
    columns = {test: correct_holm([getattr(one.tests, test) for one in differences]) for test in _TESTS}
    return tuple(
        replace(one, corrected=PairedTests(**{test: columns[test][place] for test in _TESTS}))
        for place, one in enumerate(differences)
    )
