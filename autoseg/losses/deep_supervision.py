"""One loss at every scale of a decoder (Lee 2015), weighted as in nnU-Net (Isensee 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class DeepSupervisionLoss(nn.Module):
    """The weighted mean of a loss over a network's outputs.

    Weights halve from scale to scale and sum to 1; the coarsest of several scales counts nothing and is not computed,
    so that its head gets no gradient.
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, outputs: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        """Return the scalar loss.

        Args:
            outputs: logits (batch, class, *space), as many as the network returns, finest first.
            labels: (batch, *space), integers on the finest scale.
        """
        losses = [
            weight * self.loss(logits, downsample(labels, logits.shape[2:]))
            for weight, logits in zip(scale_weights(len(outputs)), outputs, strict=True)
            if weight > 0.0
        ]
        return torch.stack(losses).sum()


def scale_weights(scales: int) -> tuple[float, ...]:
    """Return each scale's weight, finest first: 1, 1/2, 1/4, ... with the last of several 0, divided by their sum."""
    weights = [0.5**scale for scale in range(scales)]
    if scales > 1:
        weights[-1] = 0.0
    return tuple(weight / sum(weights) for weight in weights)


def downsample(labels: Tensor, shape: Sequence[int]) -> Tensor:
    """Return labels (batch, *space) at a coarser shape, by the nearest voxel.

    Voxel i of n takes the voxel whose extent holds its centre, floor((i + 1/2) m / n) of m: torch's `nearest-exact`,
    without its detour over floats. With a factor of 2 that is the voxel 2 i + 1.
    """
    for axis, (fine, coarse) in enumerate(zip(labels.shape[1:], shape, strict=True), start=1):
        if fine != coarse:
            positions = torch.arange(coarse, device=labels.device)
            labels = labels.index_select(axis, (2 * positions + 1) * fine // (2 * coarse))
    return labels
