"""Rounds of validation during training: when one is due, which cases it looks at, what came of those so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autoseg import processes
from autoseg.training.budget import Budget
from autoseg.training.curve import Line
from autoseg.training.interruption import Interruption
from autoseg.training.position import Position
from autoseg.training.setting import Setup
from autoseg.training.watch import (
    Outcomes,
    ValidationWatch,
    Validator,
    mean_by_label,
    outcomes_from_plain,
    outcomes_to_plain,
)
from autoseg.training.weights import Keeper
from dataset_fingerprints.names import counted

KIND = "validation"
# The mean of fewer cases says too little to be worth a look, where the fold has more.
LEAST_CASES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """Result of one round of validation.

    Attributes:
        seconds: that it took.
        line: for the curve.
        mean: for a person, the mean Dice.
        dice: the same with each label's, and of how many scans.
    """

    seconds: float
    line: Line
    mean: str
    dice: str


def _describe(mean: float, means: Mapping[str, float], scans: str) -> str:
    """Return a round in words; the labels are named where there are several."""
    if not means:
        return f"no Dice, for none of {scans} could be predicted"
    labels = f" ({', '.join(f'{name} {value:.2f}' for name, value in means.items())})" if len(means) > 1 else ""
    return f"mean Dice {mean:.2f}{labels} of {scans}"


class Rounds:
    """The rounds of one training; they take turns over the validation cases."""

    def __init__(self, setup: Setup, validator: Validator) -> None:
        self._setup, self._validator = setup, validator
        self._count = min(setup.configuration.training.validation_cases, len(setup.validation_cases))
        self._rounds = setup.configuration.training.validation_rounds if self._count > 0 else 0
        self._latest_iteration, self._latest_seconds = 0, 0.0
        self.watch = self._new_watch()

    def fit(self, tile_seconds: float, allowed: float | None) -> float:
        """Look at fewer cases, then less often, then never, so that all rounds take the time that they are allowed.

        Args:
            tile_seconds: of one pass of one patch through the network.
            allowed: seconds for all rounds, or None for as many as the plan's rounds take.

        Returns:
            The seconds that all rounds are predicted to take.
        """
        cases = self._setup.validation_cases
        if not self._rounds:
            return 0.0
        one = self._validator.predict_seconds(cases, tile_seconds) / len(cases)
        # The last round is left to the whole fold's validation.
        rounds = max(self._rounds - 1, 1)
        if allowed is not None and rounds * self._count * one > allowed:
            self._count = max(min(self._count, LEAST_CASES), int(allowed / (rounds * one)))
            self._rounds = min(self._rounds, int(allowed / (self._count * one)) + 1)
            if self._rounds == 1:
                self._rounds = 0
        return max(self._rounds - 1, 0) * self._count * one

    def is_due(self, position: Position, budget: Budget) -> bool:
        """Return whether a round falls on this position; the last one is left to the whole fold's validation."""
        if not (self._rounds and position.iterations) or position.is_done() or position.cooling:
            return False
        if position.iteration % self._interval(position):
            return False
        return budget.allows_validation(position, self._latest_seconds)

    def is_outstanding(self, position: Position, budget: Budget) -> bool:
        """Return whether a training that goes on here was stopped before the round that falls on this position."""
        stepped = max(self._latest_iteration, position.rewarm_from) < position.iteration
        return stepped and self.is_due(position, budget)

    def run(self, position: Position, keeper: Keeper, interruption: Interruption) -> Round:
        """Predict whole volumes of the cases whose turn it is.

        Raises:
            SignalledError: a signal came.
        """
        start = self._setup.clock()
        chosen = self._choose_cases(position)
        outcomes = processes.led(lambda: self._predict(chosen, keeper, interruption))
        self._add(position.iteration, outcomes)
        if self.watch.means():
            keeper.validated(position, self.watch.means()[-1])
        means = mean_by_label(outcomes)
        mean = sum(means.values()) / len(means) if means else math.nan  # no case could be looked at
        self._latest_seconds = self._setup.clock() - start
        return Round(
            seconds=self._latest_seconds,
            line={
                "kind": KIND,
                "dice": round(mean, 4),
                "mean_of_latest": round(self.watch.mean_dice(), 4),
                **{f"dice/{name}": round(value, 4) for name, value in means.items()},
                "cases": outcomes_to_plain(outcomes),
            },
            mean=f"mean Dice {mean:.2f}" if means else "no Dice",
            dice=_describe(mean, means, counted(len(chosen), "scan")),
        )

    def read_back(self, lines: Iterable[Line], rewarm_from: int = 0) -> None:
        """Start again from what a curve holds of the rounds so far.

        Args:
            lines: of the curve.
            rewarm_from: the iteration at which a finished training was given more steps, or 0.
        """
        self.watch, self._latest_iteration = self._new_watch(), 0
        for line in lines:
            if line.get("kind") == KIND:
                cases: Any = line["cases"]
                iteration = int(str(line["iteration"]))
                if self._latest_iteration <= rewarm_from < iteration:
                    self.watch.renew_patience()
                self._add(iteration, outcomes_from_plain(cases))
        if self._latest_iteration <= rewarm_from:
            self.watch.renew_patience()

    def _add(self, iteration: int, outcomes: Outcomes) -> None:
        self.watch.add(outcomes)
        self._latest_iteration = iteration

    def _choose_cases(self, position: Position) -> Sequence[str]:
        cases, count = self._setup.validation_cases, self._count
        first = (position.iteration // self._interval(position) - 1) * count
        return sorted({cases[(first + offset) % len(cases)] for offset in range(count)})

    def _predict(self, cases: Sequence[str], keeper: Keeper, interruption: Interruption) -> Outcomes:
        with interruption.at_once(), keeper.evaluate() as network:
            return self._validator.validate(network, cases)

    def _interval(self, position: Position) -> int:
        return max(1, position.iterations // self._rounds)

    def _new_watch(self) -> ValidationWatch:
        return ValidationWatch(cases=len(self._setup.validation_cases), patience=self._setup.patience)
