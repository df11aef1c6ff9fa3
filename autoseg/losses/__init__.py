"""What training minimises.

`LOSSES` is the one table: a plan's `training.loss.name` is a key, its `options` are the fields of the entry. A loss
takes logits (batch, class, *space) and integer labels (batch, *space), and returns a scalar in float32 or better.
`DeepSupervisionLoss` applies one to every scale of a network.
"""

from __future__ import annotations

from typing import Protocol

from torch import nn

from autoseg.losses.deep_supervision import DeepSupervisionLoss
from autoseg.losses.dice_cross_entropy import DiceCrossEntropy, DiceCrossEntropyOptions


class LossOptions(Protocol):
    """What an entry of `LOSSES` can do."""

    def build(self, num_classes: int) -> nn.Module:
        """Return the loss for labels 0 (background) to `num_classes - 1`."""
        ...


LOSSES: dict[str, type[LossOptions]] = {"dice_ce": DiceCrossEntropyOptions}

__all__ = ["LOSSES", "DeepSupervisionLoss", "DiceCrossEntropy", "DiceCrossEntropyOptions", "LossOptions"]
