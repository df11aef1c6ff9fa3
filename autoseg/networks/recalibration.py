"""Modules that weigh the channels of feature maps: squeeze and excitation (Hu 2018), spatial dropout (Tompson 2015)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from planners.parts.networks.recalibration import AttentionName, count_reduced


class SqueezeExcitation(nn.Module):
    """Multiplies every channel by a number from 0 to 1, which two layers make of the means of all channels."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        units = count_reduced(channels, reduction)
        self.squeeze = nn.Linear(channels, units)
        self.excite = nn.Linear(units, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (batch, channel, *space) weighed; without gradients they are overwritten."""
        means = x.mean(tuple(range(2, x.ndim)))
        weights = torch.sigmoid(self.excite(torch.relu(self.squeeze(means))))
        weights = weights.reshape(*weights.shape, *[1] * (x.ndim - 2))
        return x * weights if torch.is_grad_enabled() else x.mul_(weights)


class SpatialDropout(nn.Module):
    """In training leaves out whole channels of single samples, and scales the others so that the mean stays.

    Its random numbers are torch's: a training seeds them by its seed, its fold and the step, and where feature maps are
    computed again for the backward pass, they are drawn again alike.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (batch, channel, *space); in evaluation as they are."""
        if not self.training:
            return x
        kept = x.new_empty(*x.shape[:2], *[1] * (x.ndim - 2)).bernoulli_(1 - self.probability)
        return x * kept.div_(1 - self.probability)


def list_modules(channels: int, attention: AttentionName, reduction: int, dropout: float) -> Iterator[nn.Module]:
    """Yield what weighs the channels at the end of a level, in the order of use."""
    if attention == "squeeze_excitation":
        yield SqueezeExcitation(channels, reduction)
    if dropout > 0:
        yield SpatialDropout(dropout)
