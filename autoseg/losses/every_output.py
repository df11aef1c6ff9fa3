"""Deep supervision (Lee 2015): one loss at every output of a network, weighted as in nnU-Net (Isensee 2021)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from autoseg.losses.objective import LossBuilder, TrainingBatch
from dataset_fingerprints.dataset import Heads


class EveryOutput(nn.Module):
    """The weighted mean of a loss over a network's outputs.

    Weights halve from output to output and sum to 1; the coarsest of several counts nothing and is not computed, so
    that its head gets no gradient.

    Args:
        loss: of logits (batch, channel, *space) and label indices (batch, *space).
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, outputs: tuple[Tensor, ...], batch: TrainingBatch) -> Tensor:
        """Return the scalar loss.

        Args:
            outputs: logits (batch, channel, *space), as many as the network returns, finest first.
            batch: its labels are those of the finest output.
        """
        pairs = [(outputs[0], batch.labels)]
        pairs += [fit(logits, batch.labels, batch.images.shape[2:]) for logits in outputs[1:]]
        losses = [
            weight * self.loss(*pair)
            for weight, pair in zip(output_weights(len(outputs)), pairs, strict=True)
            if weight > 0.0
        ]
        return torch.stack(losses).sum()


def at_every_output(build: Callable[[Any, Heads], nn.Module]) -> LossBuilder:
    """Return the builder of an objective from that of a loss of single logits and label indices."""

    def build_objective(options: Any, heads: Heads) -> nn.Module:
        return EveryOutput(build(options, heads))

    return build_objective


def output_weights(count: int) -> tuple[float, ...]:
    """Return each output's weight, finest first: 1, 1/2, 1/4, ... with the last of several 0, divided by their sum."""
    weights = [0.5**output for output in range(count)]
    if count > 1:
        weights[-1] = 0.0
    return tuple(weight / sum(weights) for weight in weights)


def fit(logits: Tensor, labels: Tensor, seen: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return a coarser output and the labels at its scale, both without what lies behind the labels' ends.

    Args:
        logits: (batch, channel, *space) of all that the network saw.
        labels: (batch, *space) at full scale.
        seen: the shape in space that the network saw, at least that of the labels.
    """
    for axis, (length, whole) in enumerate(zip(labels.shape[1:], seen, strict=True), start=1):
        if length != whole:
            cells = logits.shape[axis + 1]
            centres = [(2 * cell + 1) * whole // (2 * cells) for cell in range(cells)]
            # The first one in any case.
            real = [min(centre, length - 1) for centre in centres if centre < length or centre == centres[0]]
            labels = labels.index_select(axis, torch.tensor(real, device=labels.device))
            logits = logits.narrow(axis + 1, 0, len(real))
    return logits, downsample(labels, logits.shape[2:])


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
