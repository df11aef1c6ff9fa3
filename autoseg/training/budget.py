"""Time budget of a training, turned into a number of steps, so that the schedule can anneal by steps."""

from __future__ import annotations

from autoseg.training.pace import StepCosts
from autoseg.training.policy import BudgetPolicy
from autoseg.training.position import Position


class Budget:
    """The minutes of a fold, and the steps that fit into them; without minutes, the steps that the plan says.

    Args:
        minutes: for everything, the validation at the end included, or None.
        policy: how minutes become steps.
    """

    def __init__(self, minutes: float | None, policy: BudgetPolicy) -> None:
        self._minutes, self._policy = minutes, policy
        self._revisits, self._goes_on = 0, False
        self._steps, self._cost, self._seconds = 0.0, 0.0, 0.0
        self._step_seconds, self._costs = 0.0, StepCosts()
        self._rounds_seconds, self._final_seconds = 0.0, 0.0

    def begin(self, position: Position, step_seconds: float, costs: StepCosts | None = None) -> None:
        """Start at a position, or go on from one that was saved: what was looked at before is not looked at again.

        Only other minutes, or a speed that is far from that of before, change the number of steps at once.

        Args:
            position: of the training.
            step_seconds: of a step of the planned size.
            costs: of the sizes that batches grow through; None where they have the planned one only.
        """
        self._revisits = self._revisits_passed(position)
        self._goes_on = bool(position.iteration and position.iterations)
        self._step_seconds, self._costs = step_seconds, costs or StepCosts()

    def expect_rounds(self, seconds: float) -> None:
        """Set time apart for all rounds of validation during training."""
        self._rounds_seconds = seconds

    def expect_final(self, seconds: float) -> None:
        """Set time apart for the validation of the whole fold at the end."""
        self._final_seconds = seconds

    def validation_allowed(self) -> float | None:
        """Return the seconds that validation during training may take in all; None without minutes."""
        return None if self._minutes is None else self._policy.validation_share * self._minutes * 60

    def final_allowed(self, position: Position) -> float | None:
        """Return the seconds that the validation at the end should take at most; None without minutes.

        It may take a share of the time, or whatever the training has left.
        """
        if self._minutes is None:
            return None
        left = self._minutes * 60 - position.seconds if position.is_done() else 0.0
        return max(left, self._policy.final_share * self._minutes * 60)

    def add(self, steps: int, seconds: float, position: Position | None = None) -> None:
        """Count an interval of steps that ended with the device in step.

        Args:
            steps: that were made.
            seconds: that they took.
            position: at its end; None where all steps cost the same.
        """
        cost = self._costs.sum_behind(position, steps) if position is not None else float(steps)
        self._steps, self._cost, self._seconds = self._steps + steps, self._cost + cost, self._seconds + seconds

    def forget(self) -> None:
        """Measure afresh what follows."""
        self._steps, self._cost, self._seconds = 0.0, 0.0, 0.0

    def fit(self, position: Position) -> int:
        """Return the number of steps in all that the time holds; at a position without a number, the first guess."""
        if self._minutes is None or position.cooling:
            return position.iterations
        if not position.iterations:
            return position.iteration + self._possible(position, self._step_seconds)
        goes_on, self._goes_on = self._goes_on, False
        if goes_on and not self._is_measured():
            same = position.minutes == self._minutes
            tolerance = self._policy.resumed_tolerance if same else self._policy.tolerance
            return self._refit(position, self._step_seconds, tolerance)
        if not self._is_measured() or self._revisits >= self._revisits_passed(position):
            return position.iterations
        step_seconds = self._seconds / self._cost
        self.forget()
        self._revisits = self._revisits_passed(position)
        return self._refit(position, step_seconds, self._policy.tolerance)

    def _refit(self, position: Position, step_seconds: float, tolerance: float) -> int:
        """Return the number of steps in all: another one where the minutes would be missed by more than a tolerance."""
        possible = self._possible(position, step_seconds)
        planned = max(position.iterations - position.iteration, 1)
        missed = abs(possible - planned) > tolerance * position.iterations
        return position.iteration + possible if missed else position.iterations

    def seconds_ahead(self, position: Position) -> float | None:
        """Return how long the rest of the training takes, or None while that is not known."""
        step_seconds = self._seconds / self._cost if self._is_measured() else self._step_seconds
        if not position.iterations or not step_seconds:
            return None
        return self._costs.sum_ahead(position) * step_seconds

    def allows_validation(self, position: Position, seconds: float) -> bool:
        """Return whether a round of validation of so many seconds fits into its share of the time."""
        allowed = self.validation_allowed()
        return allowed is None or position.validation_seconds + seconds <= allowed

    def _is_measured(self) -> bool:
        policy = self._policy
        return self._steps >= policy.measured_steps and self._seconds >= policy.measured_seconds

    def _possible(self, position: Position, step_seconds: float) -> int:
        """Return the number of steps in the time that is left for them.

        Args:
            position: of the training.
            step_seconds: of a step of the planned size.
        """
        assert self._minutes is not None
        total = self._minutes * 60
        final = min(self._final_seconds, (1 - self._policy.training_share) * total)
        rounds = max(0.0, self._rounds_seconds - position.validation_seconds)
        left = max(total - position.seconds - final - rounds, 1.0)
        return max(1, self._costs.fit(position, left / max(step_seconds, 1e-9)))

    def _revisits_passed(self, position: Position) -> int:
        return sum(position.share_done() >= share for share in self._policy.revisits)
