"""The networks that a plan can name, and what each costs; `autoseg.networks` builds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, Self

from planners.choices import PartTable
from planners.parts.networks.layers import Layer, NetworkLayers, head_layer, norm_layer
from planners.parts.networks.recalibration import AttentionName
from planners.parts.networks.unet import BlockName, NormName, UNetOptions, count_level_voxels
from planners.parts.networks.widths import scale_features

__all__ = [
    "NETWORKS",
    "AttentionName",
    "BlockName",
    "Layer",
    "NetworkLayers",
    "NetworkOptions",
    "NormName",
    "UNetOptions",
    "count_level_voxels",
    "head_layer",
    "norm_layer",
    "scale_features",
]


class NetworkOptions(Protocol):
    """Interface of the entries of `NETWORKS`; axes are those that the network sees, two or three."""

    def divisors(self) -> tuple[int, ...]:
        """Return per axis what a patch must be divisible by."""
        ...

    def find_shape_problems(self, axes: int) -> Iterator[str]:
        """Yield what is wrong with the options for images of so many axes, each as `field is value. Expected ...`."""
        ...

    def recomputable(self) -> bool:
        """Return whether the network can compute its levels again in the backward pass (`training.recomputed`)."""
        ...

    def scaled(self, factor: float) -> Self:
        """Return the network with the same layers, and its features divided (`scale_features`): for `--scale`."""
        ...

    def describe(self) -> str:
        """Return the network's shape in a few words."""
        ...

    def layers(self, channels: int, outputs: int, patch_shape: Sequence[int]) -> NetworkLayers:
        """List the network's convolutions, from which its costs follow.

        Args:
            channels: of the input.
            outputs: channels of every head.
            patch_shape: along the network's axes, in voxels.
        """
        ...


NETWORKS: PartTable[type[NetworkOptions]] = PartTable(
    "networks",
    "network",
    {
        "unet": UNetOptions,
    },
)
