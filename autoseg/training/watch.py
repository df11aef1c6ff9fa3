"""The outcomes of validation during training: how good, whether it still gets better, whether a label is lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import nn


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelOutcome:
    """One label or region in one validated volume.

    Attributes:
        predicted: voxels.
        reference: voxels.
    """

    dice: float
    predicted: int
    reference: int


# case -> label or region -> outcome; none for a case that could not be looked at
Outcomes = Mapping[str, Mapping[str, LabelOutcome]]


class Validator(Protocol):
    """Predicts whole volumes during training; the pipeline supplies it."""

    def validate(self, network: nn.Module, cases: Sequence[str]) -> Outcomes:
        """Return how each label or region came out in each case's whole volume."""
        ...

    def predict_seconds(self, cases: Sequence[str], tile_seconds: float) -> float:
        """Predict how long `validate` takes.

        Args:
            cases: that would be validated.
            tile_seconds: of one pass of one patch through the network.
        """
        ...

    def predict_final_seconds(self, cases: Sequence[str], tile_seconds: float, allowed: float | None) -> float:
        """Predict how long the validation at the end takes, made as much cheaper as `allowed` seconds ask for."""
        ...


@dataclass(kw_only=True, slots=True)
class ValidationWatch:
    """Follows the rounds of validation, which take turns over the cases.

    A round's own mean moves with its cases; compared are means over the latest outcome of every case.

    Attributes:
        cases: how many take turns.
        patience: rounds without a new best mean after which training should end; 0 for no end.
    """

    cases: int
    patience: int = 0
    _latest: dict[str, Mapping[str, LabelOutcome]] = field(default_factory=dict)
    _means: list[float] = field(default_factory=list)
    _best: float = -1.0
    _rounds_since_best: int = 0
    _silent_rounds: dict[str, int] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def add(self, outcomes: Outcomes) -> None:
        """Take in a round."""
        self._latest |= outcomes
        self._count_silence(outcomes)
        if len(self._latest) < self.cases:
            return
        mean = self.mean_dice()
        if math.isnan(mean):
            return
        self._means.append(mean)
        if mean > self._best:
            self._best, self._rounds_since_best = mean, 0
        else:
            self._rounds_since_best += 1

    def mean_dice(self) -> float:
        """Return the mean over labels and cases of the latest outcomes; NaN where there is none."""
        found = [outcome.dice for labels in self._latest.values() for outcome in labels.values()]
        return float(np.mean(found)) if found else math.nan

    def means(self) -> tuple[float, ...]:
        """Return the means after the rounds from that on with which every case has been seen: these compare."""
        return tuple(self._means)

    def exhausted(self) -> bool:
        """Return whether the best mean is `patience` rounds old."""
        return 0 < self.patience <= self._rounds_since_best

    def renew_patience(self) -> None:
        """Count from here on how old the best mean is: a training that is extended has all of its patience again."""
        self._rounds_since_best = 0

    def silent_labels(self, rounds: int) -> tuple[tuple[str, bool], ...]:
        """Return the labels that were in the references but in no prediction for exactly so many rounds.

        Returns:
            Per label its name, and whether it had been predicted before: it is lost, not late.
        """
        return tuple((label, label in self._seen) for label, count in self._silent_rounds.items() if count == rounds)

    def _count_silence(self, outcomes: Outcomes) -> None:
        for label, found in _by_label(outcomes).items():
            if any(outcome.predicted for outcome in found):
                self._silent_rounds[label] = 0
                self._seen.add(label)
            elif any(outcome.reference for outcome in found):
                self._silent_rounds[label] = self._silent_rounds.get(label, 0) + 1


def mean_by_label(outcomes: Outcomes) -> dict[str, float]:
    """Return each label's mean Dice over the cases of a round."""
    return {label: float(np.mean([outcome.dice for outcome in found])) for label, found in _by_label(outcomes).items()}


def outcomes_to_plain(outcomes: Outcomes) -> dict[str, dict[str, list[float]]]:
    """Return a round as the curve's line holds it: case -> label -> [Dice, predicted voxels, reference voxels].

    Dice is not rounded: a training that goes on reads it back, and decides as it would have without an interruption.
    """
    return {
        case: {label: [outcome.dice, outcome.predicted, outcome.reference] for label, outcome in labels.items()}
        for case, labels in outcomes.items()
    }


def outcomes_from_plain(plain: Mapping[str, Mapping[str, Sequence[float]]]) -> Outcomes:
    """Undo `outcomes_to_plain`."""
    return {
        case: {
            label: LabelOutcome(dice=dice, predicted=int(predicted), reference=int(reference))
            for label, (dice, predicted, reference) in labels.items()
        }
        for case, labels in plain.items()
    }


def _by_label(outcomes: Outcomes) -> dict[str, list[LabelOutcome]]:
    found: dict[str, list[LabelOutcome]] = {}
    for labels in outcomes.values():
        for label, outcome in labels.items():
            found.setdefault(label, []).append(outcome)
    return found
