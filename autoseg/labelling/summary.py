"""The rounds of a loop beside each other: held-out scores, what people corrected, and what it took them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from autoseg.evaluation.statistics import LEAST_CASES, USUAL_INTERVAL, bootstrap_interval
from autoseg.evaluation.statistics.significance import compare_pairs
from autoseg.labelling.corrections import find_share, list_scored, list_structures
from autoseg.labelling.state import Loop, Round, StructureChange

# All labels together.
ALL = "all"
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class ManualSurfaces:
    """Root mean square distances of a corrected scan that was labelled by hand as well, in mm.

    Attributes:
        to_model: from the points of the manual surface to that of the pre-segmentation.
        to_corrected: from the same points to the corrected surface.
        points: number of these points.
    """

    to_model: float | None
    to_corrected: float | None
    points: int = 0


# By case and label.
Manual = Mapping[tuple[str, str], ManualSurfaces]


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundSummary:
    """One round, for one label or for all of them.

    Attributes:
        structure: the label, or `ALL`: the mean over labels of each case, volumes and minutes added up.
        trained: number of cases that it was trained on.
        dice: mean over held-out cases; None where none has one.
        interval: of it, 95 %; None of fewer than five cases.
        gain: mean change since the round before, of the same cases.
        p: of no such change, paired t-test.
        rms_manual_model: mean over held-out cases, mm.
        corrected: number of pre-segmentations of this round's model that people corrected.
        before_ml: mean volume in these; of a region that is not a label, changes are not measured.
        after_ml: mean volume in the corrected masks.
        changed_ml: mean volume that changed.
        share: changed volume as a share of the corrected one.
        minutes: mean that correcting took; None where nobody said.
        manual_minutes: mean that labelling without a network took.
        rms_model_corrected: mean over corrected scans, mm.
        rms_manual_presegmented: mean over those that were labelled by hand as well, mm.
        rms_manual_corrected: mean over the same scans, from the same points, mm.
        points: number of points on the held-out manual surfaces, on the pre-segmented ones, and on the manual ones of
            corrected scans.
    """

    number: int
    structure: str
    trained: int
    dice: float | None
    interval: Interval | None
    gain: float | None
    p: float | None
    rms_manual_model: float | None
    corrected: int
    before_ml: float | None
    after_ml: float | None
    changed_ml: float | None
    share: float | None
    minutes: float | None
    manual_minutes: float | None
    rms_model_corrected: float | None
    rms_manual_presegmented: float | None
    rms_manual_corrected: float | None
    points: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundPair:
    """Two rounds on the same held-out cases, the mean Dice over labels of each.

    Attributes:
        difference: mean of the later one minus the earlier one.
        interval: of it, 95 %; None of fewer than five cases.
        p: of no difference, paired t-test; None of fewer than two cases.
        cases: number of cases that both have scored.
    """

    first: int
    second: int
    difference: float
    interval: Interval | None
    p: float | None
    cases: int


def summarise_rounds(loop: Loop, manual: Manual) -> tuple[RoundSummary, ...]:
    """Return for each trained round a summary of all labels together, and one per label where there are several."""
    names = dict.fromkeys(one.name for one in (*list_scored(loop.labels), *list_structures(loop.labels)))
    wanted = (ALL, *names) if len(names) > 1 else (ALL,)
    trained = loop.trained()
    return tuple(
        _summarise(loop, own, trained[place - 1] if place else None, name, manual)
        for place, own in enumerate(trained)
        for name in wanted
    )


def compare_rounds(loop: Loop) -> tuple[RoundPair, ...]:
    """Return every two trained rounds, an earlier and a later one."""
    pairs = []
    for first, second in combinations(loop.trained(), 2):
        one, other = _pair(first, second, ALL)
        if len(one):
            tests = compare_pairs(one, other)
            pairs.append(
                RoundPair(
                    first=first.number,
                    second=second.number,
                    difference=float((other - one).mean()),
                    interval=_find_interval(other - one),
                    p=tests.t,
                    cases=len(one),
                )
            )
    return tuple(pairs)


def dice_by_case(own: Round, structure: str = ALL) -> dict[str, float]:
    """Return the Dice of each held-out case, the mean over labels or that of one; cases without one are left out."""
    found: dict[str, list[float]] = {}
    for score in own.scores:
        if structure in (ALL, score.structure) and score.dice is not None:
            found.setdefault(score.case, []).append(score.dice)
    return {case: math.fsum(values) / len(values) for case, values in found.items()}


def _summarise(loop: Loop, own: Round, before: Round | None, structure: str, manual: Manual) -> RoundSummary:
    dice = np.array([*dice_by_case(own, structure).values()])
    one, other = _pair(before, own, structure) if before is not None else (dice[:0], dice[:0])
    # A mask that was drawn without a pre-segmentation says nothing of correcting one.
    corrected = [taken for taken in loop.latest().values() if taken.round == own.number and taken.changes]
    changes = [picked for taken in corrected if (picked := tuple(_pick(taken.changes, structure)))]
    scores = [score for score in own.scores if structure in (ALL, score.structure)]
    surfaces = [
        manual[taken.case, name]
        for taken in corrected
        for name in _names(loop, structure)
        if (taken.case, name) in manual
    ]
    every = [change for own_changes in changes for change in own_changes]
    return RoundSummary(
        number=own.number,
        structure=structure,
        trained=len(own.cases),
        dice=float(dice.mean()) if len(dice) else None,
        interval=_find_interval(dice),
        gain=float((other - one).mean()) if len(one) else None,
        p=compare_pairs(one, other).t if len(one) else None,
        rms_manual_model=_mean(score.rms_mm for score in scores),
        corrected=len(corrected),
        before_ml=_mean(math.fsum(change.before_ml for change in own_changes) for own_changes in changes),
        after_ml=_mean(math.fsum(change.after_ml for change in own_changes) for own_changes in changes),
        changed_ml=_mean(math.fsum(change.changed_ml for change in own_changes) for own_changes in changes),
        share=find_share(every),
        minutes=_mean_minutes([taken.minutes for taken in corrected], structure),
        manual_minutes=_mean_minutes([*loop.manual_minutes.values()], structure),
        rms_model_corrected=_mean(change.rms_mm for change in every),
        rms_manual_presegmented=_mean(surface.to_model for surface in surfaces),
        rms_manual_corrected=_mean(surface.to_corrected for surface in surfaces),
        points=(
            sum(score.points for score in scores),
            sum(change.points for change in every),
            sum(surface.points for surface in surfaces),
        ),
    )


def _names(loop: Loop, structure: str) -> tuple[str, ...]:
    return tuple(one.name for one in list_structures(loop.labels) if structure in (ALL, one.name))


def _pick(changes: Iterable[StructureChange], structure: str) -> Iterator[StructureChange]:
    return (change for change in changes if structure in (ALL, change.structure))


def _pair(first: Round, second: Round, structure: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the Dice of the cases that both rounds have scored."""
    one, other = dice_by_case(first, structure), dice_by_case(second, structure)
    shared = [case for case in one if case in other]
    return np.array([one[case] for case in shared]), np.array([other[case] for case in shared])


def _find_interval(values: np.ndarray) -> Interval | None:
    return bootstrap_interval(values, kind=USUAL_INTERVAL) if len(values) >= LEAST_CASES else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _mean_minutes(cases: Sequence[Mapping[str, float]], structure: str) -> float | None:
    """Return the mean minutes of a label, or of all labels of a case together."""
    if structure != ALL:
        return _mean(own.get(structure) for own in cases)
    return _mean(math.fsum(own.values()) for own in cases if own)


def find_timed(loop: Loop, number: int | None = None) -> tuple[tuple[str, list[Mapping[str, float]]], ...]:
    """Return in words what people did, and the minutes by label of each scan of which somebody noted some.

    Args:
        loop: whose minutes are meant.
        number: of the round whose pre-segmentations were corrected; None for all rounds.
    """
    taken = loop.latest().values()
    corrected = [one.minutes for one in taken if one.changes and one.minutes and number in (None, one.round)]
    manual = [own for own in loop.manual_minutes.values() if own]
    return ("corrected", corrected), ("labelled without a network", manual)
