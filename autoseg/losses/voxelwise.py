"""Losses by voxel: cross-entropy, and two ways to look mostly at the voxels that are still wrong."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from autoseg import processes
from autoseg.losses.comparison import Comparison, compare
from dataset_fingerprints.dataset import Heads
from planners.parts.losses import CrossEntropyOptions, FocalOptions

Voxelwise = Callable[[Comparison], Tensor]

# Below every probability of a wrong answer that single precision tells from 0.
SMALLEST_ERROR = 1e-8


class VoxelwiseLoss(nn.Module):
    """A mean over voxels, of each class with its weight where there are such."""

    def __init__(self, heads: Heads, reduce: Voxelwise, class_weights: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.heads, self.reduce, self.class_weights = heads, reduce, class_weights

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (batch, channel, *space) for label indices (batch, *space)."""
        with torch.autocast(logits.device.type, enabled=False):
            return self.reduce(compare(logits, labels, self.heads, self.class_weights))


def mean_surprise(seen: Comparison) -> Tensor:
    """Return the mean cross-entropy."""
    return seen.mean(seen.surprise)


def focal(gamma: float) -> Voxelwise:
    """Return the mean focal loss with this power."""

    def reduce(seen: Comparison) -> Tensor:
        wrong = 1.0 - torch.exp(-seen.surprise)
        # A power below 1 has no gradient at 0, where ignored voxels are, and those that are sure and right.
        wrong = wrong.clamp_min(SMALLEST_ERROR) if 0.0 < gamma < 1.0 else wrong
        return seen.mean(wrong**gamma * seen.surprise)

    return reduce


def hardest(share: float) -> Voxelwise:
    """Return the mean cross-entropy of the worst voxels of the batch.

    Args:
        share: of all voxels; ignored ones are never among the worst.
    """

    def reduce(seen: Comparison) -> Tensor:
        count = max(1, round(share * processes.total(seen.surprise.numel())))
        worst = _largest(seen.surprise.flatten(), count)
        counted = torch.as_tensor(seen.counted, device=worst.device)
        return worst.sum() / counted.clamp_max(count)

    return reduce


def _largest(values: Tensor, count: int) -> Tensor:
    """Return the `count` largest values of all processes."""
    largest = processes.join(values.topk(min(count, len(values)), sorted=False).values)
    return largest if len(largest) == count else largest.topk(count, sorted=False).values


def build_cross_entropy(options: CrossEntropyOptions, heads: Heads) -> nn.Module:
    """Return the loss of single logits and label indices, for a network with these heads."""
    return VoxelwiseLoss(heads, mean_surprise, options.class_weights)


def build_focal(options: FocalOptions, heads: Heads) -> nn.Module:
    """Return the loss of single logits and label indices, for a network with these heads."""
    return VoxelwiseLoss(heads, focal(options.gamma))
