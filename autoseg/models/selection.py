"""The file selection.json: which configurations predict together, and the rule that turns their mean into labels."""

from __future__ import annotations

from dataclasses import dataclass
from operator import not_
from typing import Annotated, Literal

from pydantic import Field

from planners.choices import Choice

SCHEMA_VERSION = 1

ScoreName = Literal["mean", "dice", "lesion_f1"]
# Of a damaged file.
REMEDY = "Give `autoseg select` again."


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredFold:
    """A trained fold whose out-of-fold probabilities the selection was made on.

    Attributes:
        weights: the hash of its weights by which a training after the selection is noticed.
    """

    configuration: str
    fold: str
    weights: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Gain:
    """A cross-fitted gain of score and its interval: no case had a part in the choice that it is scored by."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Effect of a choice on cases that had no part in it.

    Attributes:
        score: mean, first before, then after.
        gain: of the mean score.
        dice: change of the mean Dice.
        large_recall: change of the recall of lesions of at least 100 mm3; null where there are none.
        small_recall: that of smaller ones.
    """

    score: tuple[float, float]
    gain: Gain
    dice: float
    large_recall: float | None
    small_recall: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A rule and its mean score over all cases, which is no estimate once it was chosen as the best.

    Attributes:
        threshold: of the mask; null for the usual rule.
        removal: in words, which components stay; empty where all do.
        volume_mm3: smallest volume of a component that stays, 0 where all do; null for rules of another kind.
        filled: whether holes are filled.
    """

    threshold: float | None
    removal: str
    volume_mm3: float | None
    filled: bool
    dice: float
    lesion_f1: float
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One question that was put to the out-of-fold probabilities, and its answer.

    Attributes:
        subject: the label or region; empty for the choice of configurations.
        before: what is compared with, in words.
        best: what is best on all cases, in words.
        taken: whether it is used.
        reason: why, or why not.
        candidates: how many were tried.
        agreeing: of the folds, how many chose the best one without their own cases.
        change: cross-fitted.
        tried: the candidates of a label or region.
        place: of the best of them.
    """

    subject: str
    before: str
    best: str
    taken: bool
    reason: str
    candidates: int
    agreeing: int
    change: Change
    tried: tuple[Tried, ...] = ()
    place: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Measurements behind a selection; every gain is cross-fitted.

    Attributes:
        score: the mean of Dice and lesion F1, or one of them.
        level: of the intervals.
        cases: out-of-fold cases.
        subjects: that they are of; cases of one subject are drawn together.
        folds: the folds that take turns.
        trials: first of the configurations, where there are several, then of the labels or regions.
        left_out: what could not be tried, in sentences.
        seen: in sentences, how many of the cases a model had seen from which a training started; empty for none.
    """

    score: ScoreName
    level: float
    cases: int
    subjects: int
    folds: tuple[str, ...]
    trials: tuple[Trial, ...]
    left_out: tuple[str, ...] = ()
    seen: str = ""

    def whole_gain(self) -> Gain:
        """Return the gain of all that was taken together, over the first configuration and the usual rule.

        Gains of configurations and rules add up, those of labels or regions to their mean; so do the bounds of their
        intervals, which makes that of the sum a wide one.
        """
        labels = max(1, sum(bool(trial.subject) for trial in self.trials))
        parts = [(trial.change.gain, labels if trial.subject else 1) for trial in self.trials if trial.taken]
        return Gain(
            mean=sum(gain.mean / share for gain, share in parts),
            low=sum(gain.low / share for gain, share in parts),
            high=sum(gain.high / share for gain, share in parts),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Result of `autoseg select`.

    Attributes:
        configurations: whose mean probability predicts, each with the same weight.
        thresholds: as in `autoseg.prediction.Decision`: per label or region, empty for the usual rule.
        postprocessing: from `planners.parts.POSTPROCESSING`, one after the other.
        measured_on: the folds of the configurations, and of the stages that they need.
        evidence: why.
        simulated: whether it was chosen on simulated scans. Not written where it was not.
    """

    configurations: tuple[str, ...]
    thresholds: tuple[float, ...] = ()
    postprocessing: tuple[Choice, ...] = ()
    measured_on: tuple[MeasuredFold, ...]
    evidence: Evidence
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    schema_version: int = SCHEMA_VERSION

    def describe_taken(self) -> str:
        """Return in a sentence what of it differs from the usual rule; empty where nothing does."""
        taken = [f"{trial.subject or 'configurations'}: {trial.best}" for trial in self.evidence.trials if trial.taken]
        return f"As selected on the cross-validation: {'; '.join(taken)}." if taken else ""
