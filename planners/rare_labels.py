"""Rare labels and the folds of a cross-validation: every fold trains on every label where that is possible."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
        rating = _rate(folds, holders, units)
        exchange = min(_list_exchanges(folds, holders), key=rating.after, default=None)
        if exchange is None or rating.after(exchange)[0] >= lacking:
            break
        folds = exchange.apply(folds)
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
    members = [frozenset(fold) for fold in folds]
    return sum(units <= fold for fold in members for units in holders)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Exchange:
    """Two units that change places.

    Attributes:
        full: the number of the fold that has all holders of a label.
        other: that of another fold.
        out: a unit that goes from the first to the second.
        back: the one that comes in its place.
    """

    full: int
    other: int
    out: str
    back: str

    def apply(self, folds: Dealt) -> list[list[str]]:
        """Return the folds after it."""
        exchanged = [list(members) for members in folds]
        exchanged[self.full][exchanged[self.full].index(self.out)] = self.back
        exchanged[self.other][exchanged[self.other].index(self.back)] = self.out
        return exchanged

    def move(self, totals: Sequence[float], of_unit: Mapping[str, float]) -> list[float]:
        """Return the totals of all folds after it, from those before and what each unit counts for."""
        moved, after = of_unit[self.back] - of_unit[self.out], list(totals)
        after[self.full] += moved
        after[self.other] -= moved
        return after


def _list_exchanges(folds: Dealt, holders: Sequence[set[str]]) -> Iterator[_Exchange]:
    """Yield each exchange that takes a holder out of a fold with all of them."""
    members = [frozenset(fold) for fold in folds]
    full, taken = next((at, units) for at, fold in enumerate(members) for units in holders if units <= fold)
    for other, fold in enumerate(folds):
        if other == full:
            continue
        for out in sorted(taken):
            for back in fold:
                yield _Exchange(full=full, other=other, out=out, back=back)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rating:
    """What is known of folds, from which each exchange is rated without a look at the other units.

    Attributes:
        holders: of each label.
        held: of each label, how many of them each fold has.
        cases: of each unit.
        volumes: of each unit, of all labels.
        cases_of_folds: of each fold, as `volumes_of_folds`.
    """

    holders: Sequence[set[str]]
    held: Sequence[Sequence[int]]
    cases: Mapping[str, int]
    volumes: Mapping[str, float]
    cases_of_folds: Sequence[int]
    volumes_of_folds: Sequence[float]

    def after(self, exchange: _Exchange) -> tuple[int, float, float]:
        """Return how far folds are from what they should be after an exchange.

        Labels come first, then numbers of cases, then volumes.
        """
        cases = exchange.move(self.cases_of_folds, self.cases)
        volumes = exchange.move(self.volumes_of_folds, self.volumes)
        return self._lacking_after(exchange), max(cases) - min(cases), max(volumes) - min(volumes)

    def _lacking_after(self, exchange: _Exchange) -> int:
        lacking = 0
        for units, held in zip(self.holders, self.held, strict=True):
            counts = exchange.move(held, {unit: unit in units for unit in (exchange.out, exchange.back)})
            lacking += len(units) in counts
        return lacking


def _rate(folds: Dealt, holders: Sequence[set[str]], units: Units) -> _Rating:
    cases = {unit: len(members) for unit, members in units.items()}
    volumes = {
        unit: math.fsum(label.volume_mm3 for case in members for label in case.labels)
        for unit, members in units.items()
    }
    return _Rating(
        holders=holders,
        held=[[len(found.intersection(fold)) for fold in folds] for found in holders],
        cases=cases,
        volumes=volumes,
        cases_of_folds=[sum(cases[unit] for unit in fold) for fold in folds],
        volumes_of_folds=[math.fsum(volumes[unit] for unit in fold) for fold in folds],
    )
