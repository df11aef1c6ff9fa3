"""The speed of a training on its own network and batches, measured before its first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoseg.training.position import Position
from planners.sizing.growth import sum_steps

# Steps that pay for memory and kernels being set up, and those that are measured at least.
UNMEASURED_STEPS, MEASURED_STEPS = 1, 2
# No size of a batch costs less than this share of the planned one: clocks are coarse.
LEAST_COST = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True)
class StepCosts:
    """Seconds of a step of each size that batches grow through, as shares of those of the planned size.

    Attributes:
        shares: the planned size's, the last, is 1.
    """

    shares: tuple[float, ...] = (1.0,)

    def sum_ahead(self, position: Position) -> float:
        """Return the cost of all steps that are left."""
        iterations = position.iterations
        if position.rewarm_from or len(self.shares) == 1:
            return float(iterations - position.iteration)
        return sum_steps(position.iteration, iterations, self.shares)

    def sum_behind(self, position: Position, steps: int) -> float:
        """Return the cost of the last steps up to a position."""
        return self.sum_ahead(replace(position, iteration=position.iteration - steps)) - self.sum_ahead(position)

    def fit(self, position: Position, cost: float) -> int:
        """Return the most steps ahead that cost no more than so many of the planned size."""
        if position.rewarm_from or len(self.shares) == 1:
            return int(cost)
        fitting, beyond = 0, int(cost / min(self.shares)) + 1
        while beyond - fitting > 1:
            middle = (fitting + beyond) // 2
            tried = replace(position, iterations=position.iteration + middle)
            fitting, beyond = (middle, beyond) if self.sum_ahead(tried) <= cost else (fitting, middle)
        return fitting


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """The speed of a training.

    Attributes:
        step_seconds: of one optimiser step of the planned size, its batch included.
        tile_seconds: of one pass of one patch through the network, as prediction does it.
        costs: of steps of the sizes before, beside it.
    """

    step_seconds: float
    tile_seconds: float
    costs: StepCosts


def share_costs(smallest: float, planned: float, works: Sequence[float]) -> StepCosts:
    """Return the costs of steps of all sizes, of which the first and the last were measured.

    Those between lie on the line through both, over the work of a step.

    Args:
        smallest: seconds of a step of the first size.
        planned: the same of the last one.
        works: multiply-adds of a step, by size.
    """
    low, high = works[0], works[-1]
    first = min(smallest / planned, 1.0) if planned > 0 else 1.0
    shares = [1.0 if high == low else first + (1 - first) * (work - low) / (high - low) for work in works]
    return StepCosts(shares=tuple(max(share, LEAST_COST) for share in shares))
