"""Intervals around predicted Dice, as wide as errors on unseen cases ask for (split conformal; Lei 2018)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from autoseg.models.predicted_dice import LEVEL, Curve, PredictionError, follow

Array = NDArray[np.float64]
# Fewer cases do not show that some masks are predicted better than others.
_LEAST_SCALED = 30
# Errors are never taken for smaller than this share of their mean.
_LEAST_SCALE = 0.25
_KNOTS = np.linspace(0.0, 1.0, 11)


def measure_error(predicted: Array, constant: Array, true: Array, groups: NDArray[np.int64]) -> PredictionError:
    """Return the error of predicted Dice, and the interval that follows from it.

    Args:
        predicted: (case,) Dice, each by a rule that does not know the case's group.
        constant: (case,) the mean Dice of the other groups.
        true: (case,) Dice.
        groups: (case,) numbers.
    """
    errors = np.abs(predicted - true)
    tied = None
    if predicted.std() > 1e-9 and true.std() > 1e-9:
        tied = float(np.corrcoef(predicted, true)[0, 1])
    return PredictionError(
        cases=len(true),
        mean_absolute=float(errors.mean()),
        constant=float(np.abs(constant - true).mean()),
        correlation=tied,
        coverage=_measure_coverage(predicted, errors, groups),
        half_widths=fit_half_widths(predicted, errors),
    )


def fit_half_widths(predicted: Array, errors: Array) -> Curve:
    """Return how far the interval of each predicted Dice reaches to either side.

    Errors are divided by what a straight line over the predicted Dice expects of them, for good masks are predicted
    better than poor ones; the quantile of these that a new case's exceeds with a probability of at most 1 - `LEVEL`
    makes the interval. With too few cases for that, every interval is from 0 to 1.
    """
    line = _fit_scale(predicted, errors)
    rank = math.ceil((len(errors) + 1) * LEVEL)
    if rank > len(errors):
        return ((0.0, 1.0),)
    quantile = float(np.sort(errors / _scale(line, predicted))[rank - 1])
    widths = np.minimum(quantile * _scale(line, _KNOTS), 1.0)
    return tuple(zip(map(float, _KNOTS), map(float, widths), strict=True))


def _fit_scale(predicted: Array, errors: Array) -> tuple[float, float, float]:
    """Return slope, intercept and least value of the expected error."""
    mean = max(float(errors.mean()), 1e-6)
    if len(errors) < _LEAST_SCALED or predicted.std() < 1e-9:
        return (0.0, mean, mean)
    slope, intercept = np.polyfit(predicted, errors, 1)
    return (float(slope), float(intercept), _LEAST_SCALE * mean)


def _scale(line: tuple[float, float, float], predicted: Array) -> Array:
    slope, intercept, least = line
    return np.maximum(slope * predicted + intercept, least)


def _measure_coverage(predicted: Array, errors: Array, groups: NDArray[np.int64]) -> float:
    """Return the share of cases that lie in the interval made of the other groups."""
    covered = np.zeros(len(errors), dtype=bool)
    for group in np.unique(groups):
        own = groups == group
        widths = fit_half_widths(predicted[~own], errors[~own]) if not own.all() else ((0.0, 1.0),)
        half = np.array([follow(widths, place) for place in predicted[own]])
        covered[own] = errors[own] <= half + 1e-12
    return float(covered.mean())
