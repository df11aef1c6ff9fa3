"""From minutes to iterations: a time budget becomes a number of steps, so that the schedule can anneal by steps."""

from __future__ import annotations

from autoseg.training.position import Position

# The first steps pay for memory and kernels being set up and are not measured.
UNMEASURED_STEPS = 3
MEASURED_STEPS = 12
MEASURED_SECONDS = 8.0
# At these shares of the run the number of steps is looked at again. It changes only if the end would miss the budget
# by more than the tolerance: other users of a machine make it faster or slower.
REVISITS = (0.25, 0.5, 0.75)
TOLERANCE = 0.05
# What validation during training may take of the time.
VALIDATION_SHARE = 0.08


class Budget:
    """The minutes of a training, and the steps that fit into them; without minutes, the steps that the plan says.

    Args:
        minutes: to train for, or None.
    """

    def __init__(self, minutes: float | None) -> None:
        self._minutes = minutes
        self._revisits = 0
        self._steps, self._seconds = 0, 0.0

    def resume(self, position: Position) -> None:
        """Go on from a saved position: what was looked at before is not looked at again."""
        self._revisits = _revisits_passed(position)

    def add(self, position: Position, steps: int, seconds: float) -> None:
        """Count an interval of `steps` steps that ended at `position` with the device in step."""
        if position.iteration > UNMEASURED_STEPS:
            self._steps, self._seconds = self._steps + steps, self._seconds + seconds

    def forget(self) -> None:
        """Measure afresh what follows."""
        self._steps, self._seconds = 0, 0.0

    def fit(self, position: Position) -> int:
        """Return the number of steps in all that the time holds; 0 while too little is measured."""
        measured = self._steps >= MEASURED_STEPS and self._seconds >= MEASURED_SECONDS
        if self._minutes is None or position.cooling or not measured:
            return position.iterations
        if position.iterations and self._revisits >= _revisits_passed(position):
            return position.iterations
        left = max(self._minutes * 60 - position.seconds, 1.0)
        possible = max(1, int(left * (1 - VALIDATION_SHARE) * self._steps / self._seconds))
        self.forget()
        if not position.iterations:
            return position.iteration + possible
        self._revisits += 1
        planned = max(position.iterations - position.iteration, 1)
        missed = abs(possible - planned) > TOLERANCE * position.iterations
        return position.iteration + possible if missed else position.iterations

    def seconds_ahead(self, position: Position) -> float | None:
        """Return how long the rest of the training takes, or None while that is not known."""
        if not position.iterations or not self._steps:
            return None
        return (position.iterations - position.iteration) * self._seconds / self._steps

    def allows_validation(self, position: Position, seconds: float) -> bool:
        """Tell whether a round of validation of so many seconds fits into its share of the time."""
        if self._minutes is None:
            return True
        return position.validation_seconds + seconds <= VALIDATION_SHARE * self._minutes * 60


def _revisits_passed(position: Position) -> int:
    return sum(position.share_done() >= share for share in REVISITS)
