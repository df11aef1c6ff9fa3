"""Rare labels and the folds of a cross-validation: every fold trains on every label where that is possible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from dataset_fingerprints.fingerprint import CaseFingerprint, DatasetFingerprint
from dataset_fingerprints.names import some_of
from planners.plan import Splits

Units = Mapping[str, Sequence[CaseFingerprint]]
Dealt = Sequence[Sequence[str]]


def spread_rare_labels(dealt: Dealt, units: Units) -> list[list[str]]:
    """Return the units that each fold is judged on, some exchanged where a fold would not train on a label.

    Nothing is changed where every fold trains on all labels, but for those that a single unit holds.

    Args:
        dealt: per fold, the units that it is judged on.
        units: the cases of each.
    """
    folds = [list(fold) for fold in dealt]
    holders = [found for found in _find_holders(chain.from_iterable(units.values()), units).values() if len(found) > 1]
    while (lacking := _count_lacking(folds, holders)) > 0:
        exchanged = min(_exchange(folds, holders), key=lambda other: _rate(other, holders, units), default=folds)
        if _count_lacking(exchanged, holders) >= lacking:
            break
        folds = exchanged
    return folds


def describe_lacking(fingerprint: DatasetFingerprint, splits: Splits) -> Iterator[str]:
    """Yield which folds train on no case with a label that the cases they are judged on hold."""
    for label in fingerprint.scheme.labels:
        cases = {case.case for case in fingerprint.cases if _holds(case, label.value)}
        for number, fold in enumerate(splits.folds):
            if cases and cases.isdisjoint(fold.train):
                yield (
                    f"Fold {number} trains on no case with label {label.name}, which only {some_of(sorted(cases))} "
                    f"{'holds' if len(cases) == 1 else 'hold'}: it cannot find it. Add cases with it."
                )


def _find_holders(cases: Iterator[CaseFingerprint], units: Units) -> dict[int, set[str]]:
    """Return the units that hold each label."""
    unit_of = {case.case: unit for unit, members in units.items() for case in members}
    holders: dict[int, set[str]] = {}
    for case in cases:
        for label in case.labels:
            if label.volume_mm3 > 0:
                holders.setdefault(label.value, set()).add(unit_of[case.case])
    return holders


def _holds(case: CaseFingerprint, value: int) -> bool:
    return any(label.value == value and label.volume_mm3 > 0 for label in case.labels)


def _count_lacking(folds: Dealt, holders: Sequence[set[str]]) -> int:
    """Return how often a fold is judged on all units that hold a label."""
    return sum(units <= set(fold) for fold in folds for units in holders)


def _exchange(folds: list[list[str]], holders: Sequence[set[str]]) -> Iterator[list[list[str]]]:
    """Yield the folds after each exchange that takes a holder out of a fold with all of them."""
    full, taken = next((at, units) for at, fold in enumerate(folds) for units in holders if units <= set(fold))
    for other, fold in enumerate(folds):
        if other == full:
            continue
        for out in sorted(taken):
            for back in fold:
                exchanged = [list(members) for members in folds]
                exchanged[full][exchanged[full].index(out)] = back
                exchanged[other][exchanged[other].index(back)] = out
                yield exchanged


def _rate(folds: Dealt, holders: Sequence[set[str]], units: Units) -> tuple[int, int, float]:
    """Return how far folds are from what they should be: labels first, then numbers of cases, then volumes."""
    cases = [sum(len(units[unit]) for unit in fold) for fold in folds]
    members = [[case for unit in fold for case in units[unit]] for fold in folds]
    volumes = [sum(label.volume_mm3 for case in fold for label in case.labels) for fold in members]
    return _count_lacking(folds, holders), max(cases) - min(cases), max(volumes) - min(volumes)
