"""Losses by overlap: soft Dice and its lopsided relative, Tversky."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from autoseg import processes
from autoseg.losses.comparison import Comparison, compare
from dataset_fingerprints.dataset import Heads
from planners.parts.losses import DiceOptions, TverskyOptions

SMALLEST_DENOMINATOR = 1e-8


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


def build_dice(options: DiceOptions, heads: Heads) -> nn.Module:
    """Return the loss of single logits and label indices, for a network with these heads."""
    return OverlapLoss(heads, options.batch_dice, options.smooth, (0.5, 0.5), 1.0)


def build_tversky(options: TverskyOptions, heads: Heads) -> nn.Module:
    """Return the loss of single logits and label indices, for a network with these heads."""
    weights = (options.false_positives, options.false_negatives)
    return OverlapLoss(heads, options.batch_dice, options.smooth, weights, options.exponent)
