"""Calibration of predicted Dice on out-of-fold masks.

An out-of-fold mask is that of the one network that did not train on its case, a new scan's that of the mean of all
folds. The mean is a little better than a network alone and less certain where networks disagree, so that what is
predicted of it is rather too low: by 0.05 on held-out simulated scans (`python -m experiments confidence`), where it
was nearer to the truth all the same than the mean of what is predicted of each network, and followed it more closely.
Agreement of networks, of which a cross-validation knows nothing, is no part of it: it was 0.4 too high there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.confidence.intervals import measure_error
from autoseg.confidence.regression import Sample, fit_best, predict_mean, predict_unseen
from autoseg.confidence.signs import MaskSigns
from autoseg.models.predicted_dice import LEAST_CASES, LEAST_EMPTY, PredictionError, TargetCalibration

_GROUPS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """An out-of-fold case.

    Attributes:
        subject: whose cases stay in one group.
        fold: that did not train on it.
        signs: per label or region.
        dice: per label or region; 1 where mask and reference are empty.
    """

    subject: str
    fold: str
    signs: tuple[MaskSigns, ...]
    dice: tuple[float, ...]


def calibrate(
    cases: Sequence[Measured], names: Sequence[str]
) -> tuple[tuple[TargetCalibration, ...], PredictionError | None]:
    """Return how each label's or region's Dice is predicted, and the error of a scan's mean over them.

    Every error is of cases whose group had no part in the rule: folds take turns, or, where there are fewer than three,
    groups of subjects.

    Args:
        cases: of the cross-validation.
        names: of the labels or regions.
    """
    if not cases:
        return tuple(
            TargetCalibration(name=name, rule=None, error=None, empty=0, rightly_empty=0) for name in names
        ), None
    groups = _deal(cases)
    found, unseen, constant = [], [], []
    for target, name in enumerate(names):
        calibration, predicted, mean = _calibrate_target(cases, target, name, groups)
        found.append(calibration)
        unseen.append(predicted)
        constant.append(mean)
    return tuple(found), _measure_scans(cases, np.array(unseen), np.array(constant), groups)


def _deal(cases: Sequence[Measured]) -> NDArray[np.int64]:
    """Return (case,) the group of each case."""
    folds = _number(case.fold for case in cases)
    if len(folds) >= 3:
        return np.array([folds[case.fold] for case in cases], dtype=np.int64)
    subjects = _number(case.subject for case in cases)
    order = np.random.default_rng(0).permutation(len(subjects))
    return np.array([order[subjects[case.subject]] % _GROUPS for case in cases], dtype=np.int64)


def _number(names: Iterable[str]) -> dict[str, int]:
    """Return the place of each name among all, in their order."""
    return {name: place for place, name in enumerate(sorted(set(names)))}


def _calibrate_target(
    cases: Sequence[Measured], target: int, name: str, groups: NDArray[np.int64]
) -> tuple[TargetCalibration, NDArray[np.float64], NDArray[np.float64]]:
    """Return one label's calibration, and (case,) its unseen and its constant predictions; NaN where there are none."""
    dice = np.array([case.dice[target] for case in cases])
    empty = np.array([case.signs[target].voxels == 0 for case in cases])
    unseen, constant = np.full(len(cases), np.nan), np.full(len(cases), np.nan)
    rule = error = None
    sample = Sample(signs=np.array([case.signs[target].numbers() for case in cases]), dice=dice, groups=groups).take(
        ~empty
    )
    if len(sample.dice) >= LEAST_CASES and len(np.unique(sample.groups)) > 1:
        rule = fit_best(sample)
        unseen[~empty], constant[~empty] = predict_unseen(sample), predict_mean(sample)
        error = measure_error(unseen[~empty], constant[~empty], sample.dice, sample.groups)
    if empty.sum() >= LEAST_EMPTY:
        # Without the case itself.
        unseen[empty] = constant[empty] = (dice[empty].sum() - dice[empty]) / (empty.sum() - 1)
    calibration = TargetCalibration(
        name=name, rule=rule, error=error, empty=int(empty.sum()), rightly_empty=int((dice[empty] == 1).sum())
    )
    return calibration, unseen, constant


def _measure_scans(
    cases: Sequence[Measured], unseen: NDArray[np.float64], constant: NDArray[np.float64], groups: NDArray[np.int64]
) -> PredictionError | None:
    """Return the error of the mean over those labels of a scan that something is predicted of."""
    known = ~np.isnan(unseen)
    some = known.any(axis=0)
    if some.sum() < LEAST_CASES or len(np.unique(groups[some])) < 2:
        return None
    dice = np.array([case.dice for case in cases]).T
    counts = known.sum(axis=0)[some]
    predicted, mean, true = (
        np.where(known, values, 0.0).sum(axis=0)[some] / counts for values in (unseen, constant, dice)
    )
    return measure_error(predicted, mean, true, groups[some])
