"""The file predicted_dice.json: how the Dice of a mask is predicted without its reference, and how well that works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoseg.models.selection import MeasuredFold
from dataset_fingerprints.names import counted
from planners.choices import Choice

SCHEMA_VERSION = 1
# Of the intervals.
LEVEL = 0.9
# Of out-of-fold masks that are not empty: fewer calibrate nothing. Of empty ones: fewer say nothing of a new one.
LEAST_CASES, LEAST_EMPTY = 10, 5
# Correlation of predicted and true Dice from which a low prediction says something about a mask.
LEAST_CORRELATION = 0.1
USELESS = "it tells nothing about which masks are bad"
# Of a damaged file.
REMEDY = "Give `autoseg quality` again."

# A curve through points, straight between them and level outside.
Curve = tuple[tuple[float, float], ...]


def follow(curve: Curve, place: float) -> float:
    """Return the height of a curve."""
    places, heights = zip(*curve, strict=True)
    return float(np.interp(place, places, heights))


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceRule:
    """Rule that predicts the Dice of a mask that is not empty.

    Attributes:
        name: in words.
        weights: of the signs, in the order of `autoseg.confidence.MaskSigns.numbers`; none is negative, so that a
            better sign never predicts a worse mask.
        intercept: added to their weighted sum.
        lowest: of each sign in the calibration; a smaller one is taken for it.
        highest: likewise.
        curve: from the sum to the Dice, rising.
    """

    name: str
    weights: tuple[float, ...]
    intercept: float
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    curve: Curve

    def predict(self, signs: Sequence[float]) -> float:
        """Return the predicted Dice."""
        inside = np.clip(np.asarray(signs, dtype=np.float64), self.lowest, self.highest)
        return follow(self.curve, float(inside @ np.asarray(self.weights)) + self.intercept)


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionError:
    """Error of predicted Dice, of cases that were in neither the training of the network nor that of the rule.

    Attributes:
        cases: that it was measured on.
        mean_absolute: error of the predicted Dice.
        constant: that of always saying the mean Dice of the others.
        correlation: of predicted and true Dice; null where either is the same everywhere.
        coverage: share of the cases whose true Dice lies in the interval made of the others.
        half_widths: of the interval, by predicted Dice.
    """

    cases: int
    mean_absolute: float
    constant: float
    correlation: float | None
    coverage: float
    half_widths: Curve

    def orders(self) -> bool:
        """Return whether masks of a lower predicted Dice are worse ones."""
        return self.correlation is not None and self.correlation >= LEAST_CORRELATION

    def describe(self) -> str:
        """Return it in words."""
        tied = "" if self.correlation is None else f", correlation {self.correlation:.2f}"
        useless = "" if self.orders() else f": {USELESS}"
        return f"mean error {self.mean_absolute:.3f}{tied}, on {counted(self.cases, 'case')} not trained on{useless}"


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetCalibration:
    """Prediction of one label's or region's Dice.

    Attributes:
        name: of the label or region.
        rule: of masks that are not empty; null where there were too few.
        error: of the rule.
        empty: out-of-fold masks that were empty.
        rightly_empty: of these, with an empty reference.
    """

    name: str
    rule: DiceRule | None
    error: PredictionError | None
    empty: int
    rightly_empty: int

    def predict_empty(self) -> float | None:
        """Return the mean Dice of empty masks, each 1 or 0; None where there were too few."""
        return self.rightly_empty / self.empty if self.empty >= LEAST_EMPTY else None


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceCalibration:
    """Prediction of the Dice of what some configurations predict together.

    Attributes:
        configurations: whose mean probability is meant.
        thresholds: of the decision.
        postprocessing: of the decision.
        measured_on: the folds whose validation it was measured on.
        level: of the intervals.
        targets: the labels or regions, in the scheme's order.
        scan: error of the mean over labels or regions; null where it was not measured.
        seen: in sentences, how many of the cases a model had seen from which a training started; empty for none.
    """

    configurations: tuple[str, ...]
    thresholds: tuple[float, ...]
    postprocessing: tuple[Choice, ...]
    measured_on: tuple[MeasuredFold, ...]
    level: float = LEVEL
    targets: tuple[TargetCalibration, ...]
    scan: PredictionError | None
    seen: str = ""

    def describe(self) -> str:
        """Return in words how well it predicts, or why it does not."""
        if self.scan is None:
            return f"no Dice is predicted: fewer than {LEAST_CASES} out-of-fold masks that are not empty"
        return f"predicted Dice: {self.scan.describe()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedDiceFile:
    """Calibrations of a plan's configurations, and of averages of them, each once."""

    calibrations: tuple[DiceCalibration, ...]
    schema_version: int = SCHEMA_VERSION

    def find(self, configurations: Sequence[str]) -> DiceCalibration | None:
        """Return that of some configurations together; None where there is none."""
        return next((one for one in self.calibrations if set(one.configurations) == set(configurations)), None)

    def put(self, calibration: DiceCalibration) -> PredictedDiceFile:
        """Return the file with a calibration in the place of that of the same configurations."""
        others = (one for one in self.calibrations if set(one.configurations) != set(calibration.configurations))
        return PredictedDiceFile(calibrations=(*others, calibration))


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceEstimate:
    """A predicted Dice.

    Attributes:
        value: expected Dice.
        low: end of the interval, as `high`.
    """

    value: float
    low: float
    high: float

    def describe(self) -> str:
        """Return it in words."""
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def estimate(error: PredictionError, value: float) -> DiceEstimate:
    """Return a predicted Dice with its interval."""
    half = follow(error.half_widths, value)
    return DiceEstimate(value=value, low=max(0.0, value - half), high=min(1.0, value + half))
