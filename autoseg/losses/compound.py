"""Sums of an overlap loss, which sees labels as wholes, and a voxel-wise one, which has a gradient everywhere."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from autoseg.losses.comparison import compare
from autoseg.losses.overlap import average_overlap, measure_overlap
from autoseg.losses.voxelwise import Voxelwise, focal, hardest, mean_surprise
from dataset_fingerprints.dataset import Heads
from planners.parts.losses import DiceCrossEntropyOptions, DiceFocalOptions, DiceTopKOptions


class CompoundLoss(nn.Module):
    """The weighted sum of 1 - soft Dice and a voxel-wise loss; 0 is perfect.

    nnU-Net reports the same loss less the Dice's weight.
    """

    def __init__(
        self,
        heads: Heads,
        weights: tuple[float, float],
        dice: tuple[bool, float],
        voxelwise: Voxelwise,
        class_weights: tuple[float, ...] = (),
    ) -> None:
        super().__init__()
        self.heads, self.weights, self.dice, self.voxelwise = heads, weights, dice, voxelwise
        self.class_weights = class_weights

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss, in float32 even under autocast (float64 for float64 logits).

        Args:
            logits: (batch, channel, *space), one channel per head.
            labels: (batch, *space), label indices.
        """
        with torch.autocast(logits.device.type, enabled=False):
            seen = compare(logits, labels, self.heads, self.class_weights)
            dice_loss = 1.0 - average_overlap(measure_overlap(seen, *self.dice), self.dice[0])
            return self.weights[0] * dice_loss + self.weights[1] * self.voxelwise(seen)


def build_dice_ce(options: DiceCrossEntropyOptions, heads: Heads) -> nn.Module:
    """Return the loss of single logits and label indices, for a network with these heads."""
    weights, dice = (options.dice_weight, options.cross_entropy_weight), (options.batch_dice, options.smooth)
    return CompoundLoss(heads, weights, dice, mean_surprise, options.class_weights)


def build_dice_topk(options: DiceTopKOptions, heads: Heads) -> nn.Module:
    """Return the loss of single logits and label indices, for a network with these heads."""
    weights = (options.dice_weight, options.cross_entropy_weight)
    return CompoundLoss(heads, weights, (options.batch_dice, options.smooth), hardest(options.hardest_fraction))


def build_dice_focal(options: DiceFocalOptions, heads: Heads) -> nn.Module:
    """Return the loss of single logits and label indices, for a network with these heads."""
    weights = (options.dice_weight, options.focal_weight)
    return CompoundLoss(heads, weights, (options.batch_dice, options.smooth), focal(options.gamma))
