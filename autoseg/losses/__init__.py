"""What training minimises.

`LOSSES` is the one table: a plan's `training.loss.name` is a key, its `options` are the fields of the entry. A loss
takes logits (batch, channel, *space) and label indices (batch, *space), and returns a scalar in float32 or better, 0 if
perfect; what the channels stand for, and which voxels are ignored, is in the `Heads` that it is built for.
`DeepSupervisionLoss` applies one to every scale of a network.
"""

from __future__ import annotations

from typing import Protocol

from torch import nn

from autoseg.losses.boundary import BoundaryOptions
from autoseg.losses.compound import DiceCrossEntropyOptions, DiceFocalOptions, DiceTopKOptions
from autoseg.losses.deep_supervision import DeepSupervisionLoss
from autoseg.losses.overlap import DiceOptions, TverskyOptions
from autoseg.losses.voxelwise import CrossEntropyOptions, FocalOptions
from dataset_fingerprints.dataset import Heads


class LossOptions(Protocol):
    """What an entry of `LOSSES` can do."""

    def build(self, heads: Heads) -> nn.Module:
        """Return the loss for a network with these heads."""
        ...


LOSSES: dict[str, type[LossOptions]] = {
    "boundary": BoundaryOptions,
    "cross_entropy": CrossEntropyOptions,
    "dice": DiceOptions,
    "dice_ce": DiceCrossEntropyOptions,
    "dice_focal": DiceFocalOptions,
    "dice_topk": DiceTopKOptions,
    "focal": FocalOptions,
    "tversky": TverskyOptions,
}

__all__ = [
    "LOSSES",
    "BoundaryOptions",
    "CrossEntropyOptions",
    "DeepSupervisionLoss",
    "DiceCrossEntropyOptions",
    "DiceFocalOptions",
    "DiceOptions",
    "DiceTopKOptions",
    "FocalOptions",
    "LossOptions",
    "TverskyOptions",
]
