"""The networks that a plan can name, and what each costs; `autoseg.networks` builds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from planners.choices import PartTable
from planners.parts.networks.layers import Layer, NetworkLayers, head_layer, norm_layer
from planners.parts.networks.unet import BlockName, NormName, ShortcutName, UNetOptions, count_level_voxels

__all__ = [
    "NETWORKS",
    "BlockName",
    "Layer",
    "NetworkLayers",
    "NetworkOptions",
    "NormName",
    "ShortcutName",
    "UNetOptions",
    "count_level_voxels",
    "head_layer",
    "norm_layer",
]


class NetworkOptions(Protocol):
    """Interface of the entries of `NETWORKS`; axes are those that the network sees, two or three."""

    def divisors(self) -> tuple[int, ...]:
        """Return per axis what the lengths of its input are multiples of; other patches are padded to such."""
        ...

    def find_shape_problems(self, axes: int) -> Iterator[str]:
        """Yield what is wrong with the options for images of so many axes, each as `field is value. Expected ...`."""
        ...

    def recomputable(self) -> bool:
        """Return whether the network can compute its levels again in the backward pass (`training.recomputed`)."""
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
