"""Ways to predict side by side: which of them are tried, and which flips pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation import bootstrap_interval
from autoseg.models.quality import FAST_MAY_LOSE, LEAST_CASES, MeasuredEffort, MeasuredEfforts
from autoseg.models.selection import Gain, MeasuredFold
from planners.plan import Prediction

WIDER_STEPS = (0.65, 0.75)
# Means of equal scores may differ by this in their last digits.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """One way to predict.

    Attributes:
        networks: of a fold that are averaged: its snapshots, or the last one alone.
    """

    mirror_axes: tuple[int, ...]
    step_share: float
    networks: int


def list_tried(planned: Prediction, networks: int) -> tuple[Effort, ...]:
    """Return the ways that are tried: all sets of flips, wider steps with no flips and with all, one network alone.

    Args:
        planned: by the plan; the first way has its steps and no flips.
        networks: of a fold.
    """
    axes, step = tuple(sorted(planned.mirror_axes)), planned.step_share
    tried = [
        Effort(mirror_axes=chosen, step_share=step, networks=networks)
        for count in range(len(axes) + 1)
        for chosen in combinations(axes, count)
    ]
    for wider in WIDER_STEPS:
        if wider > step:
            tried += [Effort(mirror_axes=own, step_share=wider, networks=networks) for own in dict.fromkeys(((), axes))]
    if networks > 1:
        tried.append(Effort(mirror_axes=(), step_share=step, networks=1))
    return tuple(tried)


def judge(
    configuration: str,
    measured_on: Sequence[MeasuredFold],
    tried: Sequence[Effort],
    dice: NDArray[np.float64],
    seconds: NDArray[np.float64],
    units: Sequence[str],
) -> MeasuredEfforts:
    """Return what the ways bring, and which flips and steps are used.

    Flips along an axis pay where the interval of their gain alone lies above 0. Of several such axes all are flipped,
    if the gain of that lies above 0 as well, else the one that brings most. With cases of fewer than `LEAST_CASES`
    subjects no flip pays or does not: none is left out.

    Args:
        configuration: its name.
        measured_on: its folds.
        tried: the ways; the first is what is compared with.
        dice: (case, way) mean over labels or regions.
        seconds: (case, way) that the network took.
        units: (case,) the subject of each case; those of one are drawn together.
    """
    efforts = tuple(
        MeasuredEffort(
            mirror_axes=effort.mirror_axes,
            step_share=effort.step_share,
            networks=effort.networks,
            dice=float(dice[:, place].mean()),
            gain=_measure_gain(dice[:, place] - dice[:, 0], units),
            seconds=float(seconds[:, place].mean()),
        )
        for place, effort in enumerate(tried)
    )
    enough = len({*units}) >= LEAST_CASES
    most = max((effort.mirror_axes for effort in tried), key=len)
    return MeasuredEfforts(
        configuration=configuration,
        measured_on=tuple(measured_on),
        cases=len(dice),
        efforts=efforts,
        paying_axes=_choose_axes(efforts) if enough else most,
        fast_step=_choose_step(efforts),
    )


def _measure_gain(differences: NDArray[np.float64], units: Sequence[str]) -> Gain:
    """Return the mean of paired differences with its 95 % interval."""
    low, high = bootstrap_interval(differences, units=units)
    return Gain(mean=float(differences.mean()), low=low, high=high)


def _choose_axes(efforts: Sequence[MeasuredEffort]) -> tuple[int, ...]:
    plain = efforts[0]
    flipped = {
        effort.mirror_axes: effort
        for effort in efforts
        if (effort.step_share, effort.networks) == (plain.step_share, plain.networks)
    }
    paying = [effort for axes, effort in flipped.items() if len(axes) == 1 and effort.gain.low > _ROUNDING]
    if not paying:
        return ()
    together = flipped[tuple(sorted(axis for effort in paying for axis in effort.mirror_axes))]
    best = max(paying, key=lambda effort: effort.gain.mean)
    return together.mirror_axes if together.gain.low > _ROUNDING else best.mirror_axes


def _choose_step(efforts: Sequence[MeasuredEffort]) -> float:
    """Return the widest step without flips whose mean Dice is about that of the plan's."""
    plain = efforts[0]
    steps = [
        effort.step_share
        for effort in efforts
        if not effort.mirror_axes
        and effort.networks == plain.networks
        and effort.gain.mean >= -FAST_MAY_LOSE - _ROUNDING
    ]
    return max(steps)
