"""Losses by overlap: soft Dice and its lopsided relative, Tversky."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from autoseg import processes
from autoseg.losses.comparison import Comparison, compare
from dataset_fingerprints.dataset import Heads

SMALLEST_DENOMINATOR = 1e-8


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceOptions:
    """One minus the soft Dice of the labels or regions (Milletari 2016).

    Attributes:
        batch_dice: count each label over the whole batch, as if it were one image.
        smooth: added above and below the Dice's fraction, so that a label absent from both sides scores 1.
    """

    batch_dice: bool = False
    smooth: float = 1e-5

    def build(self, heads: Heads) -> nn.Module:
        """Return the loss for a network with these heads."""
        return OverlapLoss(heads, self.batch_dice, self.smooth, (0.5, 0.5), 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class TverskyOptions:
    """One minus the Tversky index (Salehi 2017): missed voxels may cost more than false ones.

    Attributes:
        false_positives: weight of a false voxel; 0.5 and 0.5 is Dice.
        false_negatives: weight of a missed voxel.
        exponent: of the loss; below 1 easy labels count less (focal Tversky, Abraham 2019, has 0.75).
    """

    false_positives: float = 0.3
    false_negatives: float = 0.7
    exponent: float = 1.0
    batch_dice: bool = False
    smooth: float = 1e-5

    def build(self, heads: Heads) -> nn.Module:
        """Return the loss for a network with these heads."""
        weights = (self.false_positives, self.false_negatives)
        return OverlapLoss(heads, self.batch_dice, self.smooth, weights, self.exponent)


class OverlapLoss(nn.Module):
    """One minus the weighted overlap, to a power, averaged over labels and samples; 0 is perfect."""

    def __init__(
        self, heads: Heads, batch_dice: bool, smooth: float, weights: tuple[float, float], exponent: float
    ) -> None:
        super().__init__()
        self.heads, self.batch_dice, self.smooth = heads, batch_dice, smooth
        self.weights, self.exponent = weights, exponent

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (batch, channel, *space) for label indices (batch, *space)."""
        with torch.autocast(logits.device.type, enabled=False):
            seen = compare(logits, labels, self.heads)
            lost = 1.0 - measure_overlap(seen, self.batch_dice, self.smooth, self.weights)
            # A power below 1 has no gradient at 0.
            cost = lost if self.exponent == 1.0 else lost.clamp_min(SMALLEST_DENOMINATOR) ** self.exponent
            return average_overlap(cost, self.batch_dice)


def measure_overlap(
    seen: Comparison, batch_dice: bool, smooth: float, weights: tuple[float, float] = (0.5, 0.5)
) -> Tensor:
    """Return the Tversky index (batch, target), or (target) over the whole batch; with equal weights the soft Dice.

    Args:
        seen: what is compared.
        batch_dice: whether the batch counts as one image.
        smooth: added above and, in proportion, below the fraction.
        weights: of false and of missed voxels.
    """
    space = tuple(range(2, seen.masks.ndim))
    over = (0, *space) if batch_dice else space
    both = (seen.probabilities * seen.masks).sum(over)
    predicted, true = seen.probabilities.sum(over), seen.masks.sum(over)
    if batch_dice:
        both, predicted, true = processes.add(torch.stack((both, predicted, true)))
    false_positives, false_negatives = weights
    whole = both + false_positives * (predicted - both) + false_negatives * (true - both)
    # Twice, so that the smoothing term means the same as in the usual form of Dice.
    return (2.0 * both + smooth) / (2.0 * whole + smooth).clamp_min(SMALLEST_DENOMINATOR)


def average_overlap(overlap: Tensor, batch_dice: bool) -> Tensor:
    """Return the mean of what `measure_overlap` returned, or of a cost of it, over the whole batch."""
    return overlap.mean() if batch_dice else processes.mean(overlap)
