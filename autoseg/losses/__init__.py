"""What training minimises: what builds the entries of `planners.parts.LOSSES`.

A loss takes logits (batch, channel, *space) and label indices (batch, *space), and returns a scalar in float32 or
better, 0 if perfect; what the channels stand for, and which voxels are ignored, is in the `Heads` that it is built for.
`DeepSupervisionLoss` applies one to every output of a network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from autoseg.builders import BuilderTable
from autoseg.losses.boundary import build_boundary
from autoseg.losses.compound import build_dice_ce, build_dice_focal, build_dice_topk
from autoseg.losses.deep_supervision import DeepSupervisionLoss
from autoseg.losses.overlap import build_dice, build_tversky
from autoseg.losses.voxelwise import build_cross_entropy, build_focal
from dataset_fingerprints.dataset import Heads
from planners.choices import Choice
from planners.parts import LOSSES
from planners.parts.losses import (
    BoundaryOptions,
    CrossEntropyOptions,
    DiceCrossEntropyOptions,
    DiceFocalOptions,
    DiceOptions,
    DiceTopKOptions,
    FocalOptions,
    TverskyOptions,
)

LossBuilder = Callable[[Any, Heads], nn.Module]

BUILDERS: BuilderTable[LossBuilder] = BuilderTable(
    LOSSES,
    {
        BoundaryOptions: build_boundary,
        CrossEntropyOptions: build_cross_entropy,
        DiceCrossEntropyOptions: build_dice_ce,
        DiceFocalOptions: build_dice_focal,
        DiceOptions: build_dice,
        DiceTopKOptions: build_dice_topk,
        FocalOptions: build_focal,
        TverskyOptions: build_tversky,
    },
)

__all__ = ["BUILDERS", "DeepSupervisionLoss", "LossBuilder", "build_loss"]


def build_loss(choice: Choice, heads: Heads) -> nn.Module:
    """Build the loss that a plan names, for a network with these heads.

    Raises:
        PlanError: there is no such loss.
    """
    options, build = BUILDERS.find(choice)
    return build(options, heads)
