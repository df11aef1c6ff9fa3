"""Position of a training, and what follows from the position alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from planners.sizing.growth import size_at

# What is left of the schedule when a training is asked to end early.
COOL_DOWN_SHARE = 0.05
# After a loss that is not a number the learning rate is multiplied with this.
ROLLBACK_FACTOR = 0.5
# A finished training that goes on comes back to the schedule's rate over this share of the added steps.
REWARM_SHARE = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Position of a training: the steps done, and the steps in all.

    Attributes:
        iteration: optimiser steps done. Batches follow from seed and iteration alone, so this is the sampler's state.
        iterations: steps in all; 0 until a time budget is turned into steps, before the first of them.
        seconds: spent training and validating on the way, over all resumes.
        validation_seconds: the share of them spent validating.
        rate_factor: on the schedule's learning rate; below 1 after a loss that was not a number.
        rollbacks: how often the training went back because of that.
        cooling: whether the training was asked to end early, and winds down.
        rewarm_from: the iteration at which a finished training was given more steps, or 0.
        minutes: the time that `iterations` were counted for; 0 where they are the plan's.
    """

    iteration: int = 0
    iterations: int = 0
    seconds: float = 0.0
    validation_seconds: float = 0.0
    rate_factor: float = 1.0
    rollbacks: int = 0
    cooling: bool = False
    rewarm_from: int = 0
    minutes: float = 0.0

    def is_done(self) -> bool:
        """Return whether all steps are done."""
        return 0 < self.iterations <= self.iteration

    def stepped(self) -> Position:
        """Return the position after one more optimiser step."""
        return replace(self, iteration=self.iteration + 1)

    def share_done(self) -> float:
        """Return the share of the training that is done; 0 where a time budget is not yet turned into steps."""
        return self.iteration / self.iterations if self.iterations else 0.0

    def size(self, sizes: int) -> int:
        """Return the place of the size that the next batch has, among those that batches grow through.

        A training that was extended has grown.
        """
        return size_at(self.iteration, 0 if self.rewarm_from else self.iterations, sizes)

    def scale_rate(self) -> float:
        """Return what the schedule's learning rate is multiplied with for the next step."""
        if not self.rewarm_from:
            return self.rate_factor
        steps = max(1.0, REWARM_SHARE * (self.iterations - self.rewarm_from))
        return self.rate_factor * min(1.0, (self.iteration - self.rewarm_from + 1) / steps)

    def extended(self, iterations: int) -> Position:
        """Return the position with more steps in all, or as it is if `iterations` is not more than it has.

        A finished training is warmed up again to the learning rate that the schedule then says. One on its way goes on
        by the longer schedule, but for one that was asked to end early.

        Args:
            iterations: in all; 0 for as many as a time budget will turn out to hold.
        """
        if not self.is_done():
            longer = iterations > self.iterations and not self.cooling
            return replace(self, iterations=iterations) if longer else self
        if 0 < iterations <= self.iteration:
            return self
        return replace(self, iterations=iterations, rewarm_from=self.iteration, cooling=False)

    def cooled_down(self) -> Position:
        """Return the position shortly before the schedule's end, or as it is if that is not an earlier end.

        So a training that ends early ends annealed.
        """
        iterations = max(self.iteration + 1, math.ceil(self.iteration / (1 - COOL_DOWN_SHARE)))
        if self.cooling or 0 < self.iterations <= iterations:
            return self
        return replace(self, iterations=iterations, cooling=True)

    def back_at(self, saved: Position) -> Position:
        """Return the saved position with the time spent since, and with a smaller learning rate."""
        return replace(
            saved,
            iterations=self.iterations,
            seconds=self.seconds,
            rate_factor=self.rate_factor * ROLLBACK_FACTOR,
            rollbacks=self.rollbacks + 1,
            cooling=self.cooling,
            rewarm_from=self.rewarm_from,
            minutes=self.minutes,
        )
