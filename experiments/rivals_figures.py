"""Outcomes of a contest beside each other: figures of each side, what each has over the first, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.statistics import LEAST_CASES, USUAL_INTERVAL, Statistic, bootstrap_interval
from autoseg.evaluation.statistics.resampling import find_places

RESAMPLES = 10_000
_COLUMNS = ("scans", "measure", "side", "figure (95 % over scans)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One network's masks, scan by scan in the order of their names; of several labels, means of Dice and sums.

    Attributes:
        dice: per scan.
        volume_ml: the reference's per scan.
        found: reference lesions that the mask holds, per scan.
        lesions: reference lesions per scan.
        false: lesions of the mask that are not in the reference, per scan.
        lesion_ml: volumes of the reference's lesions, per scan.
        found_ml: those of them that the mask holds.
        units: of the scans: those of one subject or group share theirs; empty where each scan has its own.
    """

    side: str
    seed: int
    dice: tuple[float, ...]
    volume_ml: tuple[float, ...]
    found: tuple[int, ...]
    lesions: tuple[int, ...]
    false: tuple[int, ...]
    lesion_ml: tuple[tuple[float, ...], ...] = ()
    found_ml: tuple[tuple[float, ...], ...] = ()
    units: tuple[str, ...] = ()


def name_columns(first: str) -> tuple[str, ...]:
    """Return the names of the columns of `compare`, for the name of the first side."""
    return (*_COLUMNS, f"minus {first} (95 % over scans)", "by training")


def compare(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """Return a row per group of scans, measure and side: its figure, and what it has over the first side.

    A scan's figures are means over the trainings. Intervals are over scans, those of a subject drawn together, and say
    nothing of other trainings: what each training has over the first side's stands beside them. At last come the
    smallest quarter of all lesions, whatever else their scans hold.
    """
    volumes = np.array(outcomes[0].volume_ml)
    groups = {
        "all": np.ones(len(volumes), dtype=bool),
        "smallest quarter": volumes <= np.percentile(volumes, 25),
    }
    names = list(dict.fromkeys(outcome.side for outcome in outcomes))
    sides = [[outcome for outcome in outcomes if outcome.side == name] for name in names]
    places = find_places(outcomes[0].units or None, len(volumes))
    dice: list[NDArray[np.float64]] = [np.array([run.dice for run in side])[..., None] for side in sides]
    counts: list[NDArray[np.float64]] = [np.stack([_count(run) for run in side]) for side in sides]
    rows: list[tuple[str, ...]] = []
    for group, members in groups.items():
        for measure, values, statistic in (
            ("Dice", dice, _mean_dice),
            ("lesion recall", counts, _recall),
            ("lesion precision", counts, _precision),
        ):
            chosen = [mine[:, members] for mine in values]
            rows += _compare_sides((f"{group} ({members.sum()})", measure), names, chosen, statistic, places[members])
    return rows + _compare_small(names, sides, places)


def _compare_small(
    names: Sequence[str], sides: Sequence[Sequence[Outcome]], places: NDArray[np.int64]
) -> list[tuple[str, ...]]:
    """Return a row per side on the smallest quarter of the lesions; none where their volumes are not known."""
    volumes = [volume for scan in sides[0][0].lesion_ml for volume in scan]
    if not volumes:
        return []
    limit = float(np.percentile(volumes, 25))
    counts = [np.stack([_count_small(run, limit) for run in side]) for side in sides]
    # Scans without such lesions say nothing of them.
    told = counts[0][0, :, 1] > 0
    group = f"lesions up to {limit:.3g} ml ({sum(volume <= limit for volume in volumes)})"
    return _compare_sides((group, "lesion recall"), names, [side[:, told] for side in counts], _recall, places[told])


def _count(run: Outcome) -> NDArray[np.float64]:
    """Return (scan, 3): lesions found, lesions of the reference, false lesions."""
    return np.array([run.found, run.lesions, run.false], dtype=np.float64).T


def _count_small(run: Outcome, limit: float) -> NDArray[np.float64]:
    """Return (scan, 2): lesions up to a volume that are found, and all of them."""
    rows = zip(run.found_ml, run.lesion_ml, strict=True)
    return np.array([[sum(volume <= limit for volume in side) for side in row] for row in rows], dtype=np.float64)


def _compare_sides(
    group: tuple[str, str],
    names: Sequence[str],
    values: Sequence[NDArray[np.float64]],
    statistic: Statistic,
    places: NDArray[np.int64],
) -> list[tuple[str, ...]]:
    """Return a row per side: a statistic of its values, (training, scan, m), and what it has over that of the first.

    Args:
        group: the first cells of the rows.
        names: of the sides.
        values: of each side.
        statistic: of means over scans.
        places: (scan,) numbers of subjects.
    """
    rows: list[tuple[str, ...]] = []
    for name, mine in zip(names, values, strict=True):
        gains = ("-", "-")
        if name != names[0]:
            gains = (_contrast(mine, values[0], statistic, places), _contrast_each(mine, values[0], statistic))
        rows.append((*group, name, _with_interval(mine, statistic, places), *gains))
    return rows


def _with_interval(values: NDArray[np.float64], of: Statistic, places: NDArray[np.int64]) -> str:
    """Show a statistic of values, (training, scan, m), with its interval."""
    scans = values.mean(axis=0)
    figure = _show(of(scans.mean(axis=0)))
    if _are_few(places):
        return figure
    return f"{figure} ({' to '.join(map(_show, _find_interval(scans, of, places)))})"


def _contrast(mine: NDArray[np.float64], first: NDArray[np.float64], of: Statistic, places: NDArray[np.int64]) -> str:
    """Show by how much a statistic of values, (training, scan, m) each, exceeds the first side's, with its interval."""
    width = mine.shape[2]

    def difference(means: NDArray[np.float64]) -> NDArray[np.float64]:
        return of(means[..., :width]) - of(means[..., width:])

    both = np.concatenate([mine.mean(axis=0), first.mean(axis=0)], axis=1)
    gain = difference(both.mean(axis=0))
    if np.isnan(gain):
        return "-"
    if _are_few(places):
        return f"{gain:+.3f}"
    low, high = _find_interval(both, difference, places)
    return f"{gain:+.3f} ({low:+.3f} to {high:+.3f})"


def _contrast_each(mine: NDArray[np.float64], first: NDArray[np.float64], of: Statistic) -> str:
    """Show by how much the statistic of each training exceeds that of the first side's."""
    gains = [of(one.mean(axis=0)) - of(other.mean(axis=0)) for one, other in zip(mine, first, strict=True)]
    return ", ".join("-" if np.isnan(gain) else f"{gain:+.3f}" for gain in gains)


def _are_few(places: NDArray[np.int64]) -> bool:
    """Return whether there are too few subjects to say how far a figure may be off."""
    return len(np.unique(places)) < LEAST_CASES


def _find_interval(scans: NDArray[np.float64], of: Statistic, places: NDArray[np.int64]) -> tuple[float, float]:
    return bootstrap_interval(scans, of, units=places, kind=USUAL_INTERVAL, resamples=RESAMPLES)


def _show(value: float | NDArray[np.float64]) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _mean_dice(means: NDArray[np.float64]) -> NDArray[np.float64]:
    return means[..., 0]


def _recall(means: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return means[..., 0] / means[..., 1]


def _precision(means: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return means[..., 0] / (means[..., 0] + means[..., 2])
