"""The optimisers that a plan can name, and what each remembers; `autoseg.training.optimizers` builds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from planners.choices import PartTable
from planners.parts.limits import find_outside


class OptimizerOptions(Protocol):
    """Interface of the entries of `OPTIMIZERS`."""

    @property
    def lr(self) -> float:
        """The learning rate that the schedule scales."""
        ...

    def states(self) -> int:
        """Return how many numbers per parameter the optimiser remembers."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SgdOptions:
    """Stochastic gradient descent with Nesterov momentum (Isensee 2021)."""

    lr: float = 1e-2
    momentum: float = 0.99
    nesterov: bool = True
    weight_decay: float = 3e-5

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, lr="more than 0", momentum="0 or more, less than 1", weight_decay="0 or more")
        if self.nesterov and self.momentum == 0:
            yield "nesterov is true, but momentum is 0. Expected nesterov=false, or a momentum above 0."

    def states(self) -> int:
        """Return how many numbers per parameter the optimiser remembers."""
        return int(self.momentum != 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class AdamWOptions:
    """Adam with decoupled weight decay (Loshchilov 2019)."""

    lr: float = 1e-3
    weight_decay: float = 1e-2

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, lr="more than 0", weight_decay="0 or more")

    def states(self) -> int:
        """Return how many numbers per parameter the optimiser remembers."""
        return 2


@dataclass(frozen=True, kw_only=True, slots=True)
class AdamOptions:
    """Adam (Kingma 2015); weight decay is added to the gradient."""

    lr: float = 1e-3
    weight_decay: float = 0.0

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, lr="more than 0", weight_decay="0 or more")

    def states(self) -> int:
        """Return how many numbers per parameter the optimiser remembers."""
        return 2


OPTIMIZERS: PartTable[type[OptimizerOptions]] = PartTable(
    "optimizers", "optimizer", {"adam": AdamOptions, "adamw": AdamWOptions, "sgd": SgdOptions}
)
