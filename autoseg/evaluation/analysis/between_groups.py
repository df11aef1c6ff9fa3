"""Scores of groups of different cases against each other, by the rank-sum test; and a part of an evaluation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.results import Evaluation, SeenCases, summarise
from autoseg.evaluation.statistics import LEAST_CASES
from autoseg.evaluation.statistics.resampling import average_by_unit, find_places
from autoseg.evaluation.statistics.significance import compare_ranks, correct_holm
from autoseg.evaluation.traits import name_subjects


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupDifference:
    """Scores of one group of cases against those of another one.

    Attributes:
        label: that was scored.
        first: the name of the first group.
        second: the name of the second one.
        subjects: numbers of subjects with a score, of the first and of the second.
        shared: number of subjects that are in both, whom the test takes for different ones.
        means: of the cases of each; None without any.
        rank_sum: p-value of the two-sided test that both come from one distribution (Mann 1947), of subjects' means;
            None below `LEAST_CASES` subjects in either.
        corrected: the same after Holm's correction for all that were tested together.
    """

    label: int | str
    metric: str
    first: str
    second: str
    subjects: tuple[int, int]
    shared: int
    means: tuple[float | None, float | None]
    rank_sum: float | None
    corrected: float | None = None


def compare_groups(groups: Mapping[str, Evaluation], metrics: Sequence[str]) -> tuple[GroupDifference, ...]:
    """Return the differences of each pair of groups, uncorrected; see `correct_differences`.

    Args:
        groups: scores by the group's name, in the order in which they are shown, by one convention.
        metrics: to compare by.
    """
    found = []
    for first, second in combinations(groups, 2):
        own, other = groups[first], groups[second]
        known = {summary.label for summary in other.summary}
        for label in (summary.label for summary in own.summary if summary.label in known):
            found += [_compare(label, metric, (first, second), (own, other)) for metric in metrics]
    return tuple(found)


def correct_differences(differences: Sequence[GroupDifference]) -> tuple[GroupDifference, ...]:
    """Return differences with p-values that allow for their number (Holm 1979)."""
    corrected = correct_holm([one.rank_sum for one in differences])
    return tuple(replace(one, corrected=p) for one, p in zip(differences, corrected, strict=True))


def keep_cases(evaluation: Evaluation, names: Collection[str]) -> Evaluation | None:
    """Return the scores of some of the cases, summarised anew; None where none of them is scored."""
    cases = tuple(case for case in evaluation.cases if case.case in names)
    if not cases:
        return None
    traits = tuple(one for one in evaluation.traits if one.case in names)
    part = summarise(cases, evaluation.convention, traits)
    seen = evaluation.seen
    return replace(
        evaluation,
        cases=part.cases,
        summary=part.summary,
        traits=traits,
        seen=SeenCases(
            cases=tuple(case for case in seen.cases if case in names),
            unknown=tuple(case for case in seen.unknown if case in names),
            models=seen.models,
        ),
    )


def _compare(
    label: int | str, metric: str, names: tuple[str, str], sides: tuple[Evaluation, Evaluation]
) -> GroupDifference:
    scored = [_read_scores(side, label, metric) for side in sides]
    (first, first_subjects), (second, second_subjects) = scored
    enough = min(len(first), len(second)) >= LEAST_CASES
    return GroupDifference(
        label=label,
        metric=metric,
        first=names[0],
        second=names[1],
        subjects=(len(first), len(second)),
        shared=len(first_subjects & second_subjects),
        means=(_mean(sides[0], label, metric), _mean(sides[1], label, metric)),
        rank_sum=compare_ranks(first, second) if enough else None,
    )


def _mean(evaluation: Evaluation, label: int | str, metric: str) -> float | None:
    return evaluation.label(label).statistics(metric).mean


def _read_scores(evaluation: Evaluation, label: int | str, metric: str) -> tuple[NDArray[np.float64], frozenset[str]]:
    """Return the mean score of each subject that has one, and who these are."""
    pairs = [(case.case, one.number(metric)) for case in evaluation.cases for one in case.labels if one.label == label]
    known = [(case, value) for case, value in pairs if not np.isnan(value)]
    subjects = name_subjects([case for case, _ in known], evaluation.traits)
    values = np.array([value for _, value in known], dtype=np.float64)
    return average_by_unit(values, find_places(subjects, len(values))), frozenset(subjects)
