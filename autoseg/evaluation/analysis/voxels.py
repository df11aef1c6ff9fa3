"""Agreement of two label maps voxel by voxel, over all labels together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.statistics import Statistics, measure_statistics

DICE, SHARE, KAPPA = "dice_all_labels", "agreement", "kappa"
TITLES = {
    DICE: "Dice, all labels together",
    SHARE: "Voxels with one label, share of those that either labels",
    KAPPA: "Cohen's kappa, of voxels that either labels",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class VoxelAgreement:
    """One measure of two raters' label maps over the cases.

    Attributes:
        measure: `dice_all_labels`: twice the voxels that both give the same label, over the voxels that each labels.
            `agreement`: voxels that both give the same label, as a share of those that either labels. `kappa`: the same
            beyond chance (Cohen 1960), where not being labelled is one more answer.
    """

    measure: str
    first: str
    second: str
    statistics: Statistics


def count_answers(
    first: NDArray[np.integer], second: NDArray[np.integer], labels: Sequence[int], ignored: int | None = None
) -> NDArray[np.int64]:
    """Return the (answer, answer) number of voxels by both label maps; the first answer is none of the labels.

    Args:
        first: (x, y, z).
        second: (x, y, z).
        labels: values.
        ignored: a value; voxels that have it in either label map do not count.
    """
    places = [np.zeros(first.shape, dtype=np.int64) for _ in range(2)]
    for place, label_map in zip(places, (first, second), strict=True):
        for number, label in enumerate(labels, 1):
            place[label_map == label] = number
    codes = places[0] * (len(labels) + 1) + places[1]
    if ignored is not None:
        codes = codes[(first != ignored) & (second != ignored)]
    edge = len(labels) + 1
    return np.bincount(codes.ravel(), minlength=edge**2).reshape(edge, edge)


def rate_answers(counts: NDArray[np.int64]) -> Mapping[str, float]:
    """Return the measures of one case, by name; NaN where neither labels a voxel, or kappa has no meaning."""
    table = counts.astype(np.float64)
    table[0, 0] = 0.0
    same, rows, columns, whole = float(np.trace(table)), table.sum(axis=1), table.sum(axis=0), float(table.sum())
    if whole == 0:
        return dict.fromkeys(TITLES, float("nan"))
    chance = float((rows * columns).sum()) / whole**2
    return {
        DICE: 2 * same / float(rows[1:].sum() + columns[1:].sum()),
        SHARE: same / whole,
        KAPPA: (same / whole - chance) / (1 - chance) if chance < 1 else float("nan"),
    }


def summarise_voxels(
    pair: tuple[str, str], rated: Sequence[Mapping[str, float]], subjects: Sequence[str] | None
) -> tuple[VoxelAgreement, ...]:
    """Return the measures over cases.

    Args:
        pair: names of both raters.
        rated: of every case.
        subjects: of the cases; None where each is one of its own.
    """
    found = []
    for measure in TITLES:
        values = np.array([one[measure] for one in rated], dtype=np.float64)
        known = ~np.isnan(values)
        units = None if subjects is None else [one for one, taken in zip(subjects, known, strict=True) if taken]
        statistics = measure_statistics(values[known], units=units)
        found.append(VoxelAgreement(measure=measure, first=pair[0], second=pair[1], statistics=statistics))
    return tuple(found)
