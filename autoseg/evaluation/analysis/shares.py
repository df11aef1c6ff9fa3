"""Shares of labels in label maps: of every scan, of groups of scans, and their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.statistics import LEAST_CASES, Statistics, measure_statistics
from autoseg.evaluation.statistics.resampling import average_by_unit, find_places
from autoseg.evaluation.statistics.significance import compare_pairs, compare_ranks, correct_holm
from autoseg.evaluation.traits import CaseTraits, find_subjects, find_trait, name_subjects

Test = Literal["signed rank", "rank sum"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseVolumes:
    """Volumes of the labels of one label map.

    Attributes:
        source: whose label maps.
        case: the name of the scan.
        volumes_ml: of the labels.
    """

    source: str
    case: str
    volumes_ml: Mapping[int, float]

    def total_ml(self) -> float:
        """Return the volume of all labels together."""
        return sum(self.volumes_ml.values())

    def share(self, label: int) -> float:
        """Return a label's share of what is labelled; NaN where nothing is."""
        total = self.total_ml()
        return self.volumes_ml[label] / total if total > 0 else float("nan")


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupShare:
    """One label's share in a group of scans.

    Attributes:
        source: whose label maps.
        group: the scans; empty for all of them.
        statistics: of the shares of scans.
        pooled: share of the volume of all scans together; None where nothing is labelled.
    """

    source: str
    group: str
    label: int
    statistics: Statistics
    pooled: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareDifference:
    """One label's shares on two sides: two sources of label maps of the same scans, or two groups of scans.

    Attributes:
        test: of the shares: signed-rank for the same scans (Wilcoxon 1945), rank-sum for others (Mann 1947).
        first: name of the first side.
        second: name of the second one.
        difference: of the means, second minus first; of scans that both have, for the same scans.
        p: two-sided; None below `LEAST_CASES` subjects on a side.
        corrected: the same after Holm's correction for all differences by this test.
        cases: numbers of scans on both sides.
        shared: number of subjects in both groups, each of whom the rank-sum test takes for two; 0 for the same scans.
    """

    test: Test
    label: int
    first: str
    second: str
    difference: float | None
    p: float | None
    cases: tuple[int, int]
    corrected: float | None = None
    shared: int = 0


def summarise_shares(
    cases: Sequence[CaseVolumes], labels: Sequence[int], traits: Sequence[CaseTraits] = (), by: str = ""
) -> tuple[GroupShare, ...]:
    """Return the shares of all scans of each source and, where a trait is named, of its groups.

    Args:
        cases: volumes.
        labels: values.
        traits: of the scans.
        by: a trait.
    """
    found = []
    for source in _sources(cases):
        own = [one for one in cases if one.source == source]
        for group, members in {"": own, **(_divide(own, traits, by) if by else {})}.items():
            found += [_summarise(source, group, members, label, traits) for label in labels]
    return tuple(found)


def compare_shares(
    cases: Sequence[CaseVolumes], labels: Sequence[int], traits: Sequence[CaseTraits] = (), by: str = ""
) -> tuple[ShareDifference, ...]:
    """Return the differences of every two sources on the same scans, and of every two groups of each source.

    Args:
        cases: volumes.
        labels: values.
        traits: of the scans.
        by: a trait; empty for no groups.
    """
    sources = _sources(cases)
    found: list[ShareDifference] = []
    for pair in combinations(sources, 2):
        found += _compare_sources(cases, pair, labels, traits)
    for source in sources if by else ():
        groups = _divide([one for one in cases if one.source == source], traits, by)
        head = f"{source}: " if len(sources) > 1 else ""
        for first, second in combinations(groups, 2):
            sides = (groups[first], groups[second])
            found += [_compare_groups((f"{head}{first}", f"{head}{second}"), sides, label, traits) for label in labels]
    return tuple(_correct(found))


def _sources(cases: Sequence[CaseVolumes]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.source for one in cases))


def _divide(cases: Sequence[CaseVolumes], traits: Sequence[CaseTraits], by: str) -> dict[str, list[CaseVolumes]]:
    values = find_trait(by, [one.case for one in cases], traits)
    groups: dict[str, list[CaseVolumes]] = {value: [] for value in sorted(set(values))}
    for one, value in zip(cases, values, strict=True):
        groups[value].append(one)
    return groups


def _read(cases: Sequence[CaseVolumes], label: int) -> tuple[NDArray[np.float64], list[str]]:
    """Return the shares of scans that have any, and the names of these."""
    known = [one for one in cases if one.total_ml() > 0]
    return np.array([one.share(label) for one in known], dtype=np.float64), [one.case for one in known]


def _summarise(
    source: str, group: str, cases: Sequence[CaseVolumes], label: int, traits: Sequence[CaseTraits]
) -> GroupShare:
    shares, names = _read(cases, label)
    total = sum(one.total_ml() for one in cases)
    return GroupShare(
        source=source,
        group=group,
        label=label,
        statistics=measure_statistics(shares, units=find_subjects(names, traits)),
        pooled=sum(one.volumes_ml[label] for one in cases) / total if total > 0 else None,
    )


def _compare_sources(
    cases: Sequence[CaseVolumes], pair: tuple[str, str], labels: Sequence[int], traits: Sequence[CaseTraits]
) -> Iterator[ShareDifference]:
    first, second = ({one.case: one for one in cases if one.source == source and one.total_ml() > 0} for source in pair)
    names = [case for case in first if case in second]
    units = find_subjects(names, traits)
    for label in labels:
        one, other = (np.array([side[case].share(label) for case in names]) for side in (first, second))
        enough = len(set(units or names)) >= LEAST_CASES
        yield ShareDifference(
            test="signed rank",
            label=label,
            first=pair[0],
            second=pair[1],
            difference=float((other - one).mean()) if names else None,
            p=compare_pairs(one, other, units=units).wilcoxon if enough else None,
            cases=(len(names), len(names)),
        )


def _compare_groups(
    names: tuple[str, str],
    sides: tuple[Sequence[CaseVolumes], Sequence[CaseVolumes]],
    label: int,
    traits: Sequence[CaseTraits],
) -> ShareDifference:
    read = [_read(side, label) for side in sides]
    people = [name_subjects(cases, traits) for _, cases in read]
    one, other = (
        average_by_unit(values, find_places(own, len(values))) for (values, _), own in zip(read, people, strict=True)
    )
    known = bool(len(one) and len(other))
    return ShareDifference(
        test="rank sum",
        label=label,
        first=names[0],
        second=names[1],
        difference=float(read[1][0].mean() - read[0][0].mean()) if known else None,
        p=compare_ranks(one, other) if min(len(one), len(other)) >= LEAST_CASES else None,
        cases=(len(read[0][1]), len(read[1][1])),
        shared=len({*people[0]} & {*people[1]}),
    )


def _correct(differences: Sequence[ShareDifference]) -> Iterator[ShareDifference]:
    for test in dict.fromkeys(one.test for one in differences):
        own = [one for one in differences if one.test == test]
        for one, p in zip(own, correct_holm([one.p for one in own]), strict=True):
            yield replace(one, corrected=p)
