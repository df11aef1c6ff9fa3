"""Learning-rate schedules that a plan can name; each is a function of the share of the training that is done."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class ScheduleOptions(Protocol):
    """What every entry of SCHEDULES offers."""

    def factor(self, progress: float) -> float:
        """Return what the learning rate is multiplied by at `progress` from 0 to 1."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Poly:
    """Polynomial decay to zero (Chen 2017)."""

    exponent: float = 0.9

    def factor(self, progress: float) -> float:
        """Return what the learning rate is multiplied by at `progress` from 0 to 1."""
        return float((1 - min(progress, 1.0)) ** self.exponent)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cosine:
    """Linear warm-up, then half a cosine down to a small share of the rate (Loshchilov 2017)."""

    warmup_share: float = 0.02
    final_factor: float = 0.01

    def factor(self, progress: float) -> float:
        """Return what the learning rate is multiplied by at `progress` from 0 to 1."""
        if progress < self.warmup_share:
            return max(progress / self.warmup_share, 0.1)
        left = (min(progress, 1.0) - self.warmup_share) / (1 - self.warmup_share)
        return self.final_factor + (1 - self.final_factor) * 0.5 * (1 + math.cos(math.pi * left))


@dataclass(frozen=True, kw_only=True, slots=True)
class CosineRestarts:
    """Half cosines from the full rate down, each longer than the one before (SGDR, Loshchilov 2017).

    Attributes:
        cycles: how many there are in the training.
        growth: how many times longer than its predecessor each is.
    """

    cycles: int = 4
    growth: float = 2.0
    final_factor: float = 0.01

    def factor(self, progress: float) -> float:
        """Return what the learning rate is multiplied by at `progress` from 0 to 1."""
        lengths = [self.growth**cycle for cycle in range(self.cycles)]
        place = min(progress, 1.0) * sum(lengths)
        for length in lengths[:-1]:
            if place < length:
                break
            place -= length
        else:
            length = lengths[-1]
        return self.final_factor + (1 - self.final_factor) * 0.5 * (1 + math.cos(math.pi * place / length))
