"""Learning-rate schedules that a plan can name: functions of how far the training is, and of its validations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from planners.choices import PartTable
from planners.parts.limits import find_outside


class ScheduleOptions(Protocol):
    """Interface of the entries of `SCHEDULES`."""

    def factor(self, share_done: float, validations: Sequence[float]) -> float:
        """Return what the learning rate is multiplied by.

        Args:
            share_done: of the training's steps, 0 to 1; 0 while a time budget has not been turned into steps.
            validations: mean Dice over the latest outcome of every case, after each round of validation since all of
                them have been seen.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PolyOptions:
    """Polynomial decay to zero (Chen 2017)."""

    exponent: float = 0.9

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, exponent="0 or more")

    def factor(self, share_done: float, validations: Sequence[float]) -> float:
        """Return what the learning rate is multiplied by."""
        return float((1 - min(share_done, 1.0)) ** self.exponent)


@dataclass(frozen=True, kw_only=True, slots=True)
class CosineOptions:
    """Linear warm-up, then half a cosine down to a small share of the rate (Loshchilov 2017)."""

    warmup_share: float = 0.02
    final_factor: float = 0.01

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, warmup_share="0 or more, less than 1", final_factor="0 to 1")

    def factor(self, share_done: float, validations: Sequence[float]) -> float:
        """Return what the learning rate is multiplied by."""
        if share_done < self.warmup_share:
            return max(share_done / self.warmup_share, 0.1)
        left = (min(share_done, 1.0) - self.warmup_share) / (1 - self.warmup_share)
        return self.final_factor + (1 - self.final_factor) * 0.5 * (1 + math.cos(math.pi * left))


@dataclass(frozen=True, kw_only=True, slots=True)
class CosineRestartsOptions:
    """Half cosines from the full rate down, each longer than the one before (SGDR, Loshchilov 2017).

    Attributes:
        cycles: how many there are in the training.
        growth: how many times longer than its predecessor each is.
    """

    cycles: int = 4
    growth: float = 2.0
    final_factor: float = 0.01

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, cycles="1 or more", growth="more than 0", final_factor="0 to 1")

    def factor(self, share_done: float, validations: Sequence[float]) -> float:
        """Return what the learning rate is multiplied by."""
        lengths = [self.growth**cycle for cycle in range(self.cycles)]
        place = min(share_done, 1.0) * sum(lengths)
        for length in lengths[:-1]:
            if place < length:
                break
            place -= length
        else:
            length = lengths[-1]
        return self.final_factor + (1 - self.final_factor) * 0.5 * (1 + math.cos(math.pi * place / length))


@dataclass(frozen=True, kw_only=True, slots=True)
class PlateauOptions:
    """A rate that falls whenever validation has stopped getting better, as Keras' ReduceLROnPlateau.

    Attributes:
        patience: rounds of validation without a new best mean after which the rate falls.
        reduction: what it is multiplied by then.
        final_factor: the rate never falls below this share of its start.
    """

    patience: int = 2
    reduction: float = 0.5
    final_factor: float = 0.01

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, patience="1 or more", reduction="more than 0, at most 1", final_factor="0 to 1")

    def factor(self, share_done: float, validations: Sequence[float]) -> float:
        """Return what the learning rate is multiplied by."""
        factor, best, waited = 1.0, -math.inf, 0
        for mean in validations:
            best, waited = (mean, 0) if mean > best else (best, waited + 1)
            if waited >= self.patience:
                factor, waited = factor * self.reduction, 0
        return max(factor, self.final_factor)


SCHEDULES: PartTable[type[ScheduleOptions]] = PartTable(
    "schedules",
    "schedule",
    {
        "cosine": CosineOptions,
        "cosine_restarts": CosineRestartsOptions,
        "plateau": PlateauOptions,
        "poly": PolyOptions,
    },
)
