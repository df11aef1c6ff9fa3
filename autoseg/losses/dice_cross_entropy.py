"""Soft Dice plus cross-entropy, nnU-Net's loss (Isensee 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autoseg.losses.targets import counted_voxels, head_masks
from dataset_fingerprints.dataset import Heads

SMALLEST_DENOMINATOR = 1e-8


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceCrossEntropyOptions:
    """Soft Dice of labels or regions plus cross-entropy: of competing classes, or binary per region.

    Attributes:
        batch_dice: count each class over the whole batch, as if it were one image.
        smooth: added above and below the Dice's fraction, so that a class absent from labels and prediction scores 1.
    """

    batch_dice: bool = False
    dice_weight: float = 1.0
    cross_entropy_weight: float = 1.0
    smooth: float = 1e-5

    def build(self, heads: Heads) -> DiceCrossEntropy:
        """Return the loss for a network with these heads."""
        return DiceCrossEntropy(self, heads)


class DiceCrossEntropy(nn.Module):
    """The weighted sum of 1 - soft Dice and the mean cross-entropy per labelled voxel; 0 is perfect.

    nnU-Net reports the same loss less the Dice's weight. Binary cross-entropy is the mean over regions as well.
    """

    def __init__(self, options: DiceCrossEntropyOptions, heads: Heads) -> None:
        super().__init__()
        self.options = options
        self.heads = heads

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss, in float32 even under autocast (float64 for float64 logits).

        Args:
            logits: (batch, channel, *space), one channel per head.
            labels: (batch, *space), label indices.
        """
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
            masks, counted = head_masks(labels, self.heads), counted_voxels(labels, self.heads)
            if self.heads.exclusive:
                log_probabilities = logits.log_softmax(dim=1)
                probabilities = log_probabilities.exp()
                # An ignored voxel is in no mask, and so adds nothing.
                entropy = -(log_probabilities * masks).sum()
            else:
                probabilities = logits.sigmoid()
                per_voxel = F.binary_cross_entropy_with_logits(logits, masks.to(logits.dtype), reduction="none")
                entropy = (per_voxel if counted is None else per_voxel * counted).sum() / self.heads.count()
            if counted is not None:
                probabilities = probabilities * counted
            voxels = labels.numel() if counted is None else counted.sum().clamp_min(1)
            dice_loss = 1.0 - self.soft_dice(probabilities, masks).mean()
            return self.options.dice_weight * dice_loss + self.options.cross_entropy_weight * entropy / voxels

    def soft_dice(self, probabilities: Tensor, masks: Tensor) -> Tensor:
        """Return the soft Dice (batch, target), or (target) over the whole batch; targets are all but background.

        Args:
            probabilities: (batch, channel, *space), 0 at ignored voxels.
            masks: (batch, channel, *space), where each channel is to mark.
        """
        space = tuple(range(2, probabilities.ndim))
        over = (0, *space) if self.options.batch_dice else space
        targets = (..., slice(1 if self.heads.exclusive else 0, None))
        intersection = (probabilities * masks).sum(over)[targets]
        total = (probabilities.sum(over) + masks.sum(over))[targets]
        smooth = self.options.smooth
        return (2.0 * intersection + smooth) / (total + smooth).clamp_min(SMALLEST_DENOMINATOR)
