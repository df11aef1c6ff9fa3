"""From minutes to iterations: a time budget becomes a number of steps, so that the schedule can anneal by steps."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(kw_only=True, slots=True)
class StepRate:
    """How long optimiser steps take, from intervals that end with the device in step."""

    steps: int = 0
    seconds: float = 0.0

    def add(self, steps: int, seconds: float) -> None:
        """Count an interval of `steps` steps."""
        self.steps += steps
        self.seconds += seconds

    def reset(self) -> None:
        """Forget, so that what follows is measured afresh."""
        self.steps, self.seconds = 0, 0.0

    def ready(self) -> bool:
        """Tell whether enough was measured to plan with."""
        return self.steps >= MEASURED_STEPS and self.seconds >= MEASURED_SECONDS

    def steps_within(self, seconds: float) -> int:
        """Return how many more steps fit into `seconds`, validation during training taken off; at least one."""
        return max(1, int(seconds * (1 - VALIDATION_SHARE) * self.steps / self.seconds))


def correct_iterations(iteration: int, iterations: int, possible: int) -> int:
    """Return the number of steps in all, changed only where `possible` more steps miss the planned ones clearly."""
    planned = max(iterations - iteration, 1)
    return iterations if abs(possible - planned) <= TOLERANCE * iterations else iteration + possible
