"""SegNet: an encoder and a decoder without skips between them; its options, and its convolutions one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, Self

from dataset_fingerprints.names import counted
from planners.parts.networks.layers import NetworkLayers, head_layer, norm_layer
from planners.parts.networks.unet import GROUP_NORM_BYTES, MOST_BLOCKS, MOST_FEATURES, NormName
from planners.parts.networks.widths import scale_features
from planners.parts.number_types import HALF_BYTES, INDEX_BYTES

Upsampling = Literal["plain", "pooling_indices"]
TAPS = 3  # of every kernel along every axis, as in VGG (Simonyan 2015)


@dataclass(frozen=True, kw_only=True, slots=True)
class SegNetOptions:
    """SegNet (Badrinarayanan 2017): VGG's convolutions, each level pooled by two; the decoder mirrors the encoder.

    Attributes:
        features: channels by level, finest first; the last level is pooled, too.
        convolutions: by level, the same in the decoder, whose last one gives the next finer level's channels.
        upsampling: plain repeats every value; pooling_indices puts it where the pooling of the same level found the
            largest, zeros elsewhere (Badrinarayanan 2017).
        norm: what follows the convolutions.
        groups: of a group norm, as in `UNetOptions`.
        axes: of the images, 2 or 3.
    """

    features: tuple[int, ...] = (8, 16, 16)
    convolutions: tuple[int, ...] = (2, 2, 3)
    upsampling: Upsampling = "plain"
    norm: NormName = "batch"
    groups: int = 8
    axes: Literal[2, 3] = 2

    def divisors(self) -> tuple[int, ...]:
        """Return per axis what a patch must be divisible by."""
        return (2 ** len(self.features),) * self.axes

    def find_shape_problems(self, axes: int) -> Iterator[str]:
        """Yield what is wrong with the options for images of so many axes."""
        if axes != self.axes:
            yield f"axes is {self.axes}. Expected {axes}, the axes that the network sees."
        if not self.features:
            yield "features is empty. Expected a number of channels for one level or more."
        if len(self.convolutions) != len(self.features):
            yield (
                f"convolutions has {len(self.convolutions)} levels, but {len(self.features)} features ask for as many. "
                "Give the lists together, with one entry per level."
            )
        for name, most in (("features", MOST_FEATURES), ("convolutions", MOST_BLOCKS)):
            if not all(1 <= count <= most for count in getattr(self, name)):
                yield f"{name} is {list(getattr(self, name))}. Expected 1 to {most} on every level."
        if self.groups < 1:
            yield f"groups is {self.groups}. Expected 1 or more."

    def recomputable(self) -> bool:
        """Return whether the network can compute its levels again in the backward pass."""
        return False

    def scaled(self, factor: float) -> Self:
        """Return the network with the same layers and its features divided."""
        return replace(self, features=scale_features(self.features, factor))

    def describe(self) -> str:
        """Return the network's shape in a few words."""
        levels = f"{counted(len(self.features), 'level')} of {'-'.join(map(str, self.features))} features"
        return f"SegNet, {levels}, {self.upsampling.replace('_', ' ')} upsampling"

    def layers(self, channels: int, outputs: int, patch_shape: Sequence[int]) -> NetworkLayers:
        """List the network's convolutions: encoder, decoder, head.

        Args:
            channels: of the input.
            outputs: of the head.
            patch_shape: the network's axes, in voxels.
        """
        factor = 2**self.axes
        voxels = [math.prod(patch_shape) // factor**level for level in range(len(self.features))]
        taps = TAPS**self.axes
        levels = []
        for widths, count, made, pooled in self._list_levels(channels, voxels):
            level = [norm_layer(*width, taps, count, made if not place else 0) for place, width in enumerate(widths)]
            level[-1] = replace(level[-1], kept_bytes=pooled * count // factor * INDEX_BYTES)
            levels.append(tuple(level))
        head = head_layer(self.features[0], outputs, voxels[0])
        half_bytes = GROUP_NORM_BYTES if self.norm == "group" else HALF_BYTES
        return NetworkLayers(levels=tuple(levels), heads=(head,), half_bytes=half_bytes)

    def encoder_widths(self, channels: int) -> list[list[tuple[int, int]]]:
        """Return the channels into and out of every convolution of the encoder, level by level, finest first."""
        rows = zip(pairwise((channels, *self.features)), self.convolutions, strict=True)
        return [list(pairwise((inputs, *[outputs] * count))) for (inputs, outputs), count in rows]

    def decoder_widths(self) -> list[list[tuple[int, int]]]:
        """Return the same for the decoder, coarsest first."""
        rows = zip(pairwise((self.features[0], *self.features)), self.convolutions, strict=True)
        return [list(pairwise((*[inputs] * count, outputs))) for (outputs, inputs), count in rows][::-1]

    def _list_levels(
        self, channels: int, voxels: Sequence[int]
    ) -> Iterator[tuple[list[tuple[int, int]], int, int, int]]:
        """Yield a level's widths, its voxels, the values made for it alone, and the channels pooled behind it."""
        for level, (widths, count) in enumerate(zip(self.encoder_widths(channels), voxels, strict=True)):
            yield widths, count, widths[0][0] * count if level else 0, widths[-1][1]
        for widths, count in zip(self.decoder_widths(), reversed(voxels), strict=True):
            yield widths, count, widths[0][0] * count, 0
