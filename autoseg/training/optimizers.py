"""Optimisers that a plan can name.

All are torch's fused ones. On a CPU these read raw memory: a parameter, its gradient and its states must lie in memory
in the same order, which torch does not check (2.13). Parameters here are contiguous; autograd and checkpoints follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn


class OptimizerOptions(Protocol):
    """What every entry of OPTIMIZERS offers."""

    @property
    def lr(self) -> float:
        """The learning rate that the schedule scales."""
        ...

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimiser over these parameters."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Sgd:
    """Stochastic gradient descent with Nesterov momentum (Isensee 2021)."""

    lr: float = 1e-2
    momentum: float = 0.99
    nesterov: bool = True
    weight_decay: float = 3e-5

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimiser over these parameters."""
        return torch.optim.SGD(
            parameters, self.lr, self.momentum, nesterov=self.nesterov, weight_decay=self.weight_decay, fused=True
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov 2019)."""

    lr: float = 1e-3
    weight_decay: float = 1e-2

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimiser over these parameters."""
        return torch.optim.AdamW(parameters, self.lr, weight_decay=self.weight_decay, fused=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Adam:
    """Adam (Kingma 2015); weight decay is added to the gradient."""

    lr: float = 1e-3
    weight_decay: float = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimiser over these parameters."""
        return torch.optim.Adam(parameters, self.lr, weight_decay=self.weight_decay, fused=True)
