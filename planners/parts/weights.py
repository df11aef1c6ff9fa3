"""Weights of a training that are kept to predict with; `autoseg.training.weights` keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from planners.choices import PartTable


class WeightsOptions(Protocol):
    """Interface of the entries of `WEIGHTS`."""

    def copies(self) -> int:
        """Return how many copies of the weights are held on the device beside those that are trained."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class AveragedOptions:
    """An exponential moving average (EMA) of the weights.

    Attributes:
        decay: how much of the average each step keeps; it warms up as min(decay, (1 + t) / (10 + t)).
    """

    decay: float = 0.999

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        if not 0 <= self.decay < 1:
            yield f"decay is {self.decay}. Expected 0 or more, less than 1."

    def copies(self) -> int:
        """Return how many copies of the weights are held on the device beside those that are trained."""
        return 1


@dataclass(frozen=True, kw_only=True, slots=True)
class LastOptions:
    """The weights after the last step, as they are."""

    def copies(self) -> int:
        """Return how many copies of the weights are held on the device beside those that are trained."""
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BestOptions:
    """The averaged weights that had the best mean Dice in validation.

    They are selected on the fold's own validation cases, so the fold's scores on these are optimistic. Rounds of
    validation count from the one on by which all cases have been seen; without such a round (`validation_rounds` times
    `validation_cases` are too few) the average at the end is kept.

    Attributes:
        decay: of the average, as in `AveragedOptions`; 0 takes the weights as they are.
    """

    decay: float = 0.999

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        if not 0 <= self.decay < 1:
            yield f"decay is {self.decay}. Expected 0 or more, less than 1."

    def copies(self) -> int:
        """Return how many copies of the weights are held on the device beside those that are trained."""
        return 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotsOptions:
    """The weights at several times of one training, all members of an ensemble when predicting (Huang 2017).

    Attributes:
        count: of snapshots, evenly spaced; the last one is at the end. With as many equal cycles of `cosine_restarts`
            each lies at the end of a cycle. A fold that is extended takes all of them again, over the added steps.
    """

    count: int = 3

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        if self.count < 1:
            yield f"count is {self.count}. Expected 1 or more."

    def copies(self) -> int:
        """Return how many copies of the weights are held on the device beside those that are trained."""
        return 0


WEIGHTS: PartTable[type[WeightsOptions]] = PartTable(
    "weights",
    "weights",
    {"averaged": AveragedOptions, "best": BestOptions, "last": LastOptions, "snapshots": SnapshotsOptions},
)


def count_members(options: WeightsOptions) -> int:
    """Return how many networks one training leaves, all of which predict together."""
    return options.count if isinstance(options, SnapshotsOptions) else 1
