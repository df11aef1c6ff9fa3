"""Tables of scores by group of cases: lesion size, site, chronicity, or anything else that is known of cases."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.cases import CaseScores, LabelScores
from autoseg.evaluation.results import Evaluation, LabelSummary, summarise_labels
from autoseg.evaluation.statistics import USUAL_INTERVAL, IntervalKind
from autoseg.evaluation.traits import UNKNOWN, CaseTraits, find_subjects, find_trait
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import some_of

SIZE, QUARTILE = "size", "quartile"
# In ml: of the lesions of a case together.
SIZE_BOUNDS = (0.1, 1.0, 10.0, 50.0)
_QUARTILES = 4
# A trait with more different numbers is one that is measured, and is shown by quartile; sites are only numbered.
_MOST_NUMBERS = 8
# More groups than that are no table to read: a column with a name per case, or with remarks, is none of groups.
MOST_GROUPS = 200
_NO_LESION = "no lesion"
_VOLUME = "reference_volume_ml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Cases that have something in common.

    Attributes:
        cases: their names.
        summary: of the scores of one label.
        zeros: cases with a Dice of exactly 0; None without Dice among the metrics.
    """

    name: str
    cases: tuple[str, ...]
    summary: LabelSummary
    zeros: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupTable:
    """Scores of one label by one trait.

    Attributes:
        by: `size`, `quartile`, or the name of a trait.
        unit: of the groups' bounds; empty where they have none.
    """

    by: str
    label: int | str
    groups: tuple[Group, ...]
    unit: str = ""


def group_scores(
    evaluation: Evaluation, by: Sequence[str], interval: IntervalKind = USUAL_INTERVAL
) -> tuple[GroupTable, ...]:
    """Return a table per trait and label.

    Args:
        evaluation: scores, with traits of the cases.
        by: `quartile`, four groups of equally many cases from the smallest lesions to the largest, as in Table 4 of
            Tomita 2020; `size`, bins in ml; or names of traits, such as site and chronicity. Cases without the label
            in the reference are a group of their own where sizes are asked for.
        interval: the kind of the bootstrap intervals.

    Raises:
        DataError: a trait is known of no case, or makes too many groups, or there are no volumes.
    """
    refuse_unknown(by, evaluation.traits)
    tables = []
    for name in dict.fromkeys(by):
        for label in evaluation.summary:
            scored = [(case, one) for case in evaluation.cases for one in case.labels if one.label == label.label]
            grouping = _divide(name, scored, evaluation)
            members: dict[str, list[CaseScores]] = {group: [] for group in grouping.order}
            for (case, scores), group in zip(scored, grouping.names, strict=True):
                members[group].append(CaseScores(case=case.case, labels=(scores,)))
            groups = tuple(_make_group(group, cases, evaluation, interval) for group, cases in members.items() if cases)
            tables.append(GroupTable(by=name, label=label.label, groups=groups, unit=grouping.unit))
    return tuple(tables)


def refuse_unknown(by: Sequence[str], traits: Sequence[CaseTraits]) -> None:
    """Make sure that something is known of the cases to group them by, and that there are not too many groups.

    Raises:
        DataError: a trait is known of none, or has more different values than a table has groups.
    """
    known = sorted({name for one in traits for name in one.known})
    for name in by:
        if name not in (SIZE, QUARTILE, *known):
            raise DataError(
                f"--by {name}: is known of no case. Known are {some_of((SIZE, QUARTILE, *known), 20)}. A table of "
                "cases given with --traits adds its columns."
            )
        if name not in (SIZE, QUARTILE):
            _refuse_many(name, [one.known[name] for one in traits if name in one.known])


def _refuse_many(name: str, values: Sequence[str]) -> None:
    groups = len(set(values))
    if groups > MOST_GROUPS and not _is_measured(name, values):
        raise DataError(
            f"--by {name}: has {groups} different values in {len(values)} cases, and each would be a group. Expected "
            f"at most {MOST_GROUPS} groups: name a column with fewer values, or give a table with such a column "
            "(--traits)."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Grouping:
    """The group of every case, the groups in the order of the table, and the unit in their names."""

    names: Sequence[str]
    order: Sequence[str]
    unit: str = ""


def _make_group(name: str, cases: Sequence[CaseScores], evaluation: Evaluation, interval: IntervalKind) -> Group:
    named = tuple(case.case for case in cases)
    subjects = find_subjects(named, evaluation.traits)
    (summary,) = summarise_labels(cases, evaluation.convention, subjects, interval)
    has_dice = any(entry.name == "dice" for entry in evaluation.convention.metrics)
    zeros = sum(case.labels[0].value("dice") == 0 for case in cases) if has_dice else None
    return Group(name=name, cases=named, summary=summary, zeros=zeros)


def _divide(by: str, scored: Sequence[tuple[CaseScores, LabelScores]], evaluation: Evaluation) -> _Grouping:
    if by in (SIZE, QUARTILE):
        volumes = np.array([_volume_of(scores, by) for _, scores in scored])
        return _divide_by_bins(volumes) if by == SIZE else _divide_by_quartiles(volumes, volumes > 0, _NO_LESION, "ml")
    values = find_trait(by, [case.case for case, _ in scored], evaluation.traits)
    numbers = np.array([_as_number(value) for value in values])
    given = ~np.isnan(numbers)
    if _is_measured(by, [value for value in values if value != UNKNOWN]):
        return _divide_by_quartiles(numbers, given, UNKNOWN, "")
    counts = Counter(values)
    return _Grouping(names=values, order=sorted(counts, key=lambda value: (value == UNKNOWN, -counts[value], value)))


def _volume_of(scores: LabelScores, by: str) -> float:
    for score in scores.scores:
        if score.metric == _VOLUME and score.value is not None:
            return float(score.value)
    raise DataError(f"--by {by}: these scores hold no volumes. Evaluate with --metric {_VOLUME}, too.")


def _divide_by_bins(volumes: NDArray[np.float64]) -> _Grouping:
    bounds = [f"{bound:g}" for bound in SIZE_BOUNDS]
    order = [f"below {bounds[0]}", *(f"{low} to {high}" for low, high in pairwise(bounds)), f"{bounds[-1]} or more"]
    places = np.digitize(volumes, SIZE_BOUNDS)
    names = [order[place] if volume > 0 else _NO_LESION for place, volume in zip(places, volumes, strict=True)]
    return _Grouping(names=names, order=(_NO_LESION, *order), unit="ml")


def _divide_by_quartiles(values: NDArray[np.float64], taken: NDArray[np.bool_], rest: str, unit: str) -> _Grouping:
    """Return four groups of equally many values, and the rest; of equal values, the first come first."""
    names, order = [rest] * len(values), []
    ranked = np.flatnonzero(taken)[np.argsort(values[taken], kind="stable")]
    for number, part in enumerate(np.array_split(ranked, _QUARTILES), 1):
        if len(part):
            order.append(f"Q{number} ({values[part[0]]:.3g} to {values[part[-1]]:.3g})")
        for place in part:
            names[place] = order[-1]
    return _Grouping(names=names, order=(rest, *order), unit=unit)


def _is_measured(by: str, values: Sequence[str]) -> bool:
    """Return whether the known values of a trait are so many numbers that they are shown by quartile."""
    numbers = list(map(_as_number, values))
    return by != "site" and not any(map(math.isnan, numbers)) and len(set(numbers)) > _MOST_NUMBERS


def _as_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
