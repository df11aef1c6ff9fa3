"""The speed of a training on its own network and batches, measured before its first step."""

from __future__ import annotations

from dataclasses import dataclass

# Steps that pay for memory and kernels being set up, and those that are measured.
UNMEASURED_STEPS, MEASURED_STEPS = 1, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """The speed of a training.

    Attributes:
        step_seconds: of one optimiser step, its batch included.
        tile_seconds: of one pass of one patch through the network, as prediction does it.
    """

    step_seconds: float
    tile_seconds: float
