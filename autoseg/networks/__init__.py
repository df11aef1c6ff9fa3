"""Segmentation networks: what builds the entries of `planners.parts.NETWORKS`.

A network takes (batch, channel, *space) and returns logits as a tuple of (batch, output channel, *space) tensors,
finest first: as many in training as its options list heads, else only the finest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from autoseg.networks.mednext import build_mednext
from autoseg.networks.segnet import build_segnet
from autoseg.networks.unet import UNet, build_unet
from planners.builders import BuilderTable
from planners.parts import NETWORKS
from planners.parts.networks import MedNeXtOptions, SegNetOptions, UNetOptions
from planners.plan import Configuration

# From options, channels of the input, channels of every head, and whether levels are computed again in the backward
# pass (`training.recomputed`), to an initialised network.
NetworkBuilder = Callable[[Any, int, int, bool], nn.Module]

BUILDERS: BuilderTable[NetworkBuilder] = BuilderTable(
    NETWORKS,
    {
        SegNetOptions: build_segnet,
        MedNeXtOptions: build_mednext,
        UNetOptions: build_unet,
    },
)

__all__ = ["BUILDERS", "NetworkBuilder", "UNet", "build_network", "build_unet"]


def build_network(configuration: Configuration, channels: int, outputs: int) -> nn.Module:
    """Build a configuration's network.

    Args:
        configuration: names the network.
        channels: of its input.
        outputs: channels of its logits, `Heads.count()`.

    Raises:
        PlanError: there is no such network.
    """
    options, build = BUILDERS.find(configuration.network)
    return build(options, channels, outputs, configuration.training.recomputed)
