"""Time budget of a training, turned into a number of steps, so that the schedule can anneal by steps."""

from __future__ import annotations

from autoseg.training.policy import BudgetPolicy
from autoseg.training.position import Position


class Budget:
    """The minutes of a training, and the steps that fit into them; without minutes, the steps that the plan says.

    Args:
        minutes: to train for, or None.
        policy: how minutes become steps.
    """

    def __init__(self, minutes: float | None, policy: BudgetPolicy) -> None:
        self._minutes, self._policy = minutes, policy
        self._revisits = 0
        self._steps, self._seconds = 0, 0.0

    def resume(self, position: Position) -> None:
        """Go on from a saved position: what was looked at before is not looked at again."""
        self._revisits = self._revisits_passed(position)

    def add(self, position: Position, steps: int, seconds: float) -> None:
        """Count an interval of `steps` steps that ended at `position` with the device in step."""
        if position.iteration > self._policy.unmeasured_steps:
            self._steps, self._seconds = self._steps + steps, self._seconds + seconds

    def forget(self) -> None:
        """Measure afresh what follows."""
        self._steps, self._seconds = 0, 0.0

    def begins_measuring(self, position: Position) -> bool:
        """Return whether the steps that are not measured end here, so that the clock is to be read."""
        return not position.iterations and position.iteration == self._policy.unmeasured_steps

    def fit(self, position: Position) -> int:
        """Return the number of steps in all that the time holds; 0 while too little is measured."""
        policy = self._policy
        measured = self._steps >= policy.measured_steps and self._seconds >= policy.measured_seconds
        if self._minutes is None or position.cooling or not measured:
            return position.iterations
        if position.iterations and self._revisits >= self._revisits_passed(position):
            return position.iterations
        left = max(self._minutes * 60 - position.seconds, 1.0)
        possible = max(1, int(left * (1 - policy.validation_share) * self._steps / self._seconds))
        self.forget()
        if not position.iterations:
            return position.iteration + possible
        self._revisits += 1
        planned = max(position.iterations - position.iteration, 1)
        missed = abs(possible - planned) > policy.tolerance * position.iterations
        return position.iteration + possible if missed else position.iterations

    def seconds_ahead(self, position: Position) -> float | None:
        """Return how long the rest of the training takes, or None while that is not known."""
        if not position.iterations or not self._steps:
            return None
        return (position.iterations - position.iteration) * self._seconds / self._steps

    def allows_validation(self, position: Position, seconds: float) -> bool:
        """Return whether a round of validation of so many seconds fits into its share of the time."""
        if self._minutes is None:
            return True
        return position.validation_seconds + seconds <= self._policy.validation_share * self._minutes * 60

    def _revisits_passed(self, position: Position) -> int:
        return sum(position.share_done() >= share for share in self._policy.revisits)
