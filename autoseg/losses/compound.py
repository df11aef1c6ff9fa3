"""Sums of an overlap loss, which sees labels as wholes, and a voxel-wise one, which has a gradient everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from autoseg.losses.comparison import compare
from autoseg.losses.overlap import average_overlap, measure_overlap
from autoseg.losses.voxelwise import Voxelwise, focal, hardest, mean_surprise
from dataset_fingerprints.dataset import Heads


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceCrossEntropyOptions:
    """Soft Dice of labels or regions plus cross-entropy, nnU-Net's loss (Isensee 2021).

    Attributes:
        batch_dice: count each label over the whole batch, as if it were one image.
        smooth: added above and below the Dice's fraction, so that a label absent from both sides scores 1.
    """

    batch_dice: bool = False
    dice_weight: float = 1.0
    cross_entropy_weight: float = 1.0
    smooth: float = 1e-5

    def build(self, heads: Heads) -> nn.Module:
        """Return the loss for a network with these heads."""
        weights = (self.dice_weight, self.cross_entropy_weight)
        return CompoundLoss(heads, weights, (self.batch_dice, self.smooth), mean_surprise)


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceTopKOptions:
    """Soft Dice plus cross-entropy on the worst voxels only (Brugnara 2020 and nnU-Net's DiceTopK10).

    Attributes:
        hardest_fraction: the share of the batch's voxels that cross-entropy looks at.
    """

    hardest_fraction: float = 0.1
    batch_dice: bool = False
    dice_weight: float = 1.0
    cross_entropy_weight: float = 1.0
    smooth: float = 1e-5

    def build(self, heads: Heads) -> nn.Module:
        """Return the loss for a network with these heads."""
        weights = (self.dice_weight, self.cross_entropy_weight)
        return CompoundLoss(heads, weights, (self.batch_dice, self.smooth), hardest(self.hardest_fraction))


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceFocalOptions:
    """Soft Dice plus focal loss (Zhu 2019).

    Attributes:
        gamma: of the focal loss.
    """

    gamma: float = 2.0
    batch_dice: bool = False
    dice_weight: float = 1.0
    focal_weight: float = 1.0
    smooth: float = 1e-5

    def build(self, heads: Heads) -> nn.Module:
        """Return the loss for a network with these heads."""
        weights = (self.dice_weight, self.focal_weight)
        return CompoundLoss(heads, weights, (self.batch_dice, self.smooth), focal(self.gamma))


class CompoundLoss(nn.Module):
    """The weighted sum of 1 - soft Dice and a voxel-wise loss; 0 is perfect.

    nnU-Net reports the same loss less the Dice's weight.
    """

    def __init__(
        self, heads: Heads, weights: tuple[float, float], dice: tuple[bool, float], voxelwise: Voxelwise
    ) -> None:
        super().__init__()
        self.heads, self.weights, self.dice, self.voxelwise = heads, weights, dice, voxelwise

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss, in float32 even under autocast (float64 for float64 logits).

        Args:
            logits: (batch, channel, *space), one channel per head.
            labels: (batch, *space), label indices.
        """
        with torch.autocast(logits.device.type, enabled=False):
            seen = compare(logits, labels, self.heads)
            dice_loss = 1.0 - average_overlap(measure_overlap(seen, *self.dice), self.dice[0])
            return self.weights[0] * dice_loss + self.weights[1] * self.voxelwise(seen)
