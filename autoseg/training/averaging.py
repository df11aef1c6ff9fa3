"""An exponential moving average (EMA) of the weights, which is what validation and prediction use."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """A copy of a network whose weights follow the original's, slowly.

    The decay warms up as min(decay, (1 + t) / (10 + t)), so that a short training is not averaged with its random
    start. Running statistics of batch norm are copied, not averaged.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, iteration: int) -> None:
        """Follow `network` by one step, after optimiser step number `iteration` (from 0)."""
        decay = min(self._decay, (1 + iteration) / (10 + iteration))
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), 1 - decay)
        for mine, other in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(other)
