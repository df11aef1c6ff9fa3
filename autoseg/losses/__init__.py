"""Objectives of training: builders of the entries of `planners.parts.LOSSES`.

An entry gives an *objective*: a module that takes everything that the network returned (a tuple of logits, finest
first) and the batch (`images`, `labels`, `targets`), and returns a scalar in float32 or better. Most are losses of
single logits (batch, channel, *space) and label indices (batch, *space), 0 if perfect, which `at_every_output` applies
to each of the network's outputs. What the channels stand for, and which voxels are ignored, is in the `Heads` that an
objective is built for.
"""

from __future__ import annotations

from torch import nn

from autoseg.losses.boundary import build_boundary
from autoseg.losses.compound import build_dice_ce, build_dice_focal, build_dice_topk
from autoseg.losses.every_output import at_every_output
from autoseg.losses.objective import LossBuilder, TrainingBatch
from autoseg.losses.overlap import build_dice, build_tversky
from autoseg.losses.voxelwise import build_cross_entropy, build_focal
from dataset_fingerprints.dataset import Heads
from planners.builders import BuilderTable
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

BUILDERS: BuilderTable[LossBuilder] = BuilderTable(
    LOSSES,
    {
        BoundaryOptions: at_every_output(build_boundary),
        CrossEntropyOptions: at_every_output(build_cross_entropy),
        DiceCrossEntropyOptions: at_every_output(build_dice_ce),
        DiceFocalOptions: at_every_output(build_dice_focal),
        DiceOptions: at_every_output(build_dice),
        DiceTopKOptions: at_every_output(build_dice_topk),
        FocalOptions: at_every_output(build_focal),
        TverskyOptions: at_every_output(build_tversky),
    },
)

__all__ = ["BUILDERS", "LossBuilder", "TrainingBatch", "at_every_output", "build_objective"]


def build_objective(choice: Choice, heads: Heads) -> nn.Module:
    """Build the objective of the loss that a plan names, for a network with these heads.

    Raises:
        PlanError: there is no such loss.
    """
    options, build = BUILDERS.find(choice)
    objective: nn.Module = build(options, heads)
    return objective
