"""Rules from the signs of a mask to its Dice, none of which predicts less from a better sign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.models.predicted_dice import DiceRule

Array = NDArray[np.float64]
_UNCHANGED = ((0.0, 0.0), (1.0, 1.0))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sample:
    """Masks of known Dice.

    Attributes:
        signs: (mask, sign).
        dice: (mask,).
        groups: (mask,) numbers; a rule for one group is fitted on the others.
    """

    signs: Array
    dice: Array
    groups: NDArray[np.int64]

    def take(self, chosen: NDArray[np.bool_]) -> Sample:
        """Return some of the masks."""
        return Sample(signs=self.signs[chosen], dice=self.dice[chosen], groups=self.groups[chosen])


def _fit_mean(sample: Sample) -> DiceRule:
    return _make_rule(
        "the mean Dice of other masks", sample, np.zeros(sample.signs.shape[1]), float(sample.dice.mean())
    )


def _fit_line(sample: Sample) -> DiceRule:
    return _fit_linear("a straight line over the soft Dice confidence", sample, 1)


def _fit_curve(sample: Sample) -> DiceRule:
    from sklearn.isotonic import IsotonicRegression

    regression = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(sample.signs[:, 0], sample.dice)
    curve = tuple(zip(map(float, regression.X_thresholds_), map(float, regression.y_thresholds_), strict=True))
    weights = np.eye(sample.signs.shape[1])[0]
    return _make_rule("a rising curve over the soft Dice confidence", sample, weights, 0.0, curve)


def _fit_signs(sample: Sample) -> DiceRule:
    return _fit_linear("a weighted sum of soft Dice confidence, mean probability and volume", sample, None)


# From the simplest to the most flexible: of equally good ones the first is taken.
FITS: tuple[Callable[[Sample], DiceRule], ...] = (_fit_mean, _fit_line, _fit_curve, _fit_signs)


def _fit_linear(name: str, sample: Sample, first: int | None) -> DiceRule:
    """Return a sum of the first signs, or of all, with weights of at least 0 (least squares)."""
    from sklearn.linear_model import LinearRegression

    regression = LinearRegression(positive=True).fit(sample.signs[:, :first], sample.dice)
    weights = np.zeros(sample.signs.shape[1])
    weights[:first] = regression.coef_
    return _make_rule(name, sample, weights, float(regression.intercept_))


def _make_rule(
    name: str, sample: Sample, weights: Array, intercept: float, curve: tuple[tuple[float, float], ...] = _UNCHANGED
) -> DiceRule:
    return DiceRule(
        name=name,
        weights=tuple(map(float, weights)),
        intercept=intercept,
        lowest=tuple(map(float, sample.signs.min(axis=0))),
        highest=tuple(map(float, sample.signs.max(axis=0))),
        curve=curve,
    )


def fit_best(sample: Sample) -> DiceRule:
    """Return the rule with the smallest mean error on groups that it was not fitted on, fitted on all masks."""
    if len(np.unique(sample.groups)) < 2:
        return _fit_line(sample)
    errors = [float(np.abs(_predict_others(sample, fit) - sample.dice).mean()) for fit in FITS]
    # Means of equal errors may differ in their last digits.
    return FITS[int(np.argmax(np.array(errors) <= min(errors) + 1e-9))](sample)


def predict_unseen(sample: Sample) -> Array:
    """Return (mask,) the Dice that is predicted of each by a rule that was chosen and fitted without its group."""
    return _predict_others(sample, fit_best)


def predict_mean(sample: Sample) -> Array:
    """Return (mask,) the mean Dice of the other groups."""
    return _predict_others(sample, _fit_mean)


def _predict_others(sample: Sample, fit: Callable[[Sample], DiceRule]) -> Array:
    predicted = np.zeros(len(sample.dice))
    for group in np.unique(sample.groups):
        own = sample.groups == group
        rule = fit(sample.take(~own))
        predicted[own] = [rule.predict(signs) for signs in sample.signs[own]]
    return predicted
