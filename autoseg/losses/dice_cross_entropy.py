"""Soft Dice plus cross-entropy, nnU-Net's loss (Isensee 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

SMALLEST_DENOMINATOR = 1e-8


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceCrossEntropyOptions:
    """Soft Dice of the foreground classes plus cross-entropy of all.

    Attributes:
        batch_dice: count each class over the whole batch, as if it were one image.
        smooth: added above and below the Dice's fraction, so that a class absent from labels and prediction scores 1.
    """

    batch_dice: bool = False
    dice_weight: float = 1.0
    cross_entropy_weight: float = 1.0
    smooth: float = 1e-5

    def build(self, num_classes: int) -> DiceCrossEntropy:
        """Return the loss for labels 0 (background) to `num_classes - 1`."""
        return DiceCrossEntropy(self, num_classes)


class DiceCrossEntropy(nn.Module):
    """The weighted sum of 1 - soft Dice and the mean cross-entropy per voxel; 0 is perfect.

    nnU-Net reports the same loss less the Dice's weight.
    """

    def __init__(self, options: DiceCrossEntropyOptions, num_classes: int) -> None:
        super().__init__()
        self.options = options
        self.num_classes = num_classes

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss, in float32 even under autocast (float64 for float64 logits).

        Args:
            logits: (batch, class, *space).
            labels: (batch, *space), integers below the number of classes.
        """
        with torch.autocast(logits.device.type, enabled=False):
            log_probabilities = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=1)
            # Booleans: an eighth of an integer one-hot's memory, and on a CPU quicker than gathering by label.
            masks = labels.unsqueeze(1) == class_numbers(self.num_classes, labels)
            dice_loss = 1.0 - self.soft_dice(log_probabilities.exp(), masks).mean()
            cross_entropy = -(log_probabilities * masks).sum() / labels.numel()
            return self.options.dice_weight * dice_loss + self.options.cross_entropy_weight * cross_entropy

    def soft_dice(self, probabilities: Tensor, masks: Tensor) -> Tensor:
        """Return the soft Dice (batch, foreground class), or (foreground class) over the whole batch.

        Args:
            probabilities: (batch, class, *space).
            masks: (batch, class, *space), where the labels are that class.
        """
        space = tuple(range(2, probabilities.ndim))
        over = (0, *space) if self.options.batch_dice else space
        foreground = (..., slice(1, None))
        intersection = (probabilities * masks).sum(over)[foreground]
        total = (probabilities.sum(over) + masks.sum(over))[foreground]
        smooth = self.options.smooth
        return (2.0 * intersection + smooth) / (total + smooth).clamp_min(SMALLEST_DENOMINATOR)


def class_numbers(num_classes: int, labels: Tensor) -> Tensor:
    """Return 0 to `num_classes - 1` in the labels' type, shaped (class, 1, ...) to compare with (batch, 1, *space)."""
    numbers = torch.arange(num_classes, dtype=labels.dtype, device=labels.device)
    return numbers.view(-1, *(1,) * (labels.ndim - 1))
