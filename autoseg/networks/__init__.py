"""Segmentation networks, built from a plan's topology.

`NETWORKS` is the one table: a plan's `network.name` is a key, its `options` are the fields of the entry. A network
takes (batch, channel, *space) and returns logits as a tuple of (batch, output channel, *space) tensors, finest first:
every decoder scale while training with deep supervision, else only the finest.
"""

from __future__ import annotations

from typing import Protocol

from torch import nn

from autoseg.networks.unet import UNet, UNetOptions
from planners.choices import resolve
from planners.plan import Configuration, Topology


class NetworkOptions(Protocol):
    """What an entry of `NETWORKS` can do."""

    def build(
        self,
        topology: Topology,
        input_channels: int,
        output_channels: int,
        deep_supervision: bool,
        recomputed: bool = False,
    ) -> nn.Module:
        """Return an initialised network with this skeleton.

        Args:
            recomputed: whether to keep only what goes from stage to stage for the backward pass.
        """
        ...


NETWORKS: dict[str, type[NetworkOptions]] = {"unet": UNetOptions}

__all__ = ["NETWORKS", "NetworkOptions", "UNet", "UNetOptions", "build_network"]


def build_network(configuration: Configuration, channels: int, outputs: int, *, deep_supervision: bool) -> nn.Module:
    """Build a configuration's network.

    Args:
        configuration: names the network and its topology.
        channels: of the images.
        outputs: channels of its logits, `Heads.count()`.
        deep_supervision: whether the coarser scales get heads as well; prediction needs the finest one only.
    """
    options = resolve(configuration.network, NETWORKS, "network")
    recomputed = configuration.training.recomputed
    return options.build(configuration.topology, channels, outputs, deep_supervision, recomputed)
