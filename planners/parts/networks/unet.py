"""The U-Net family: its options, and its convolutions one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, Self

from dataset_fingerprints.names import counted
from planners.parts.limits import find_outside
from planners.parts.networks.layers import Layer, NetworkLayers, head_layer, norm_layer
from planners.parts.networks.recalibration import AttentionName, list_recalibration
from planners.parts.networks.widths import scale_features
from planners.parts.number_types import HALF_BYTES, INDEX_BYTES

BlockName = Literal["plain", "residual"]
NormName = Literal["instance", "batch", "group"]
Downsampling = Literal["stride", "pool"]
ShortcutName = Literal["projection", "padding"]
# A GPU computes group norm in single precision even under autocast: its input and output are kept that way, and the
# next convolution keeps a 16-bit copy, five bytes per value on average.
GROUP_NORM_BYTES = 5
# More than any network has; a larger number is a mistake.
MOST_FEATURES, MOST_BLOCKS, MOST_TAPS = 16_384, 256, 64


@dataclass(frozen=True, kw_only=True, slots=True)
class UNetOptions:
    """nnU-Net's U-Net; all lists are by level, finest first, in the network's own axes (2D drops the sliced one).

    Attributes:
        features: channels.
        kernels: kernel size per axis.
        strides: stride at the entrance of each level and axis; the first level's are 1.
        encoder_blocks: convolutions (plain) or residual blocks (residual) in the encoder.
        decoder_blocks: the same in the decoder, one entry fewer.
        block: plain (Isensee 2021) or residual (Isensee 2024) encoder levels.
        decoder_block: the same of the decoder's levels.
        norm: what follows the convolutions.
        groups: of a group norm; where it does not divide a level's features, the next smaller number that does.
        deep_supervision: whether every decoder level gives logits in training (Lee 2015), or only the finest.
        downsampling: by strided convolutions, or by max pooling in front of a level (Ronneberger 2015).
        stem: whether a convolution comes before the first of residual encoder levels.
        shortcut: what fits a residual block's skip to another width: a convolution of kernel 1, or none, with channels
            of zeros added, or the last ones left out (He 2016, option A).
        attention: what weighs the channels at the end of every level of encoder and decoder: squeeze and excitation (Hu
            2018; there in a U-Net, Roy 2018), or nothing.
        reduction: of the channels, between the two layers of squeeze and excitation; four are left at least.
        dropout: the probability that a channel at the end of a level is left out of a training step (spatial dropout,
            Tompson 2015).
    """

    features: tuple[int, ...]
    kernels: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]
    encoder_blocks: tuple[int, ...]
    decoder_blocks: tuple[int, ...]
    block: BlockName = "plain"
    norm: NormName = "instance"
    groups: int = 8
    deep_supervision: bool = True
    decoder_block: BlockName = "plain"
    stem: bool = True
    shortcut: ShortcutName = "projection"
    downsampling: Downsampling = "stride"
    attention: AttentionName = "none"
    reduction: int = 16
    dropout: float = 0.0

    def divisors(self) -> tuple[int, ...]:
        """Return per axis what the lengths of its input are multiples of: the product of the strides."""
        return find_divisors(self.strides)

    def find_shape_problems(self, axes: int) -> Iterator[str]:
        """Yield what is wrong with the options for images of so many axes."""
        if not self.features:
            yield "features is empty. Expected a number of channels for one level or more."
            return
        yield from self._find_count_problems()
        levels = len(self.features)
        expected = {"kernels": levels, "strides": levels, "encoder_blocks": levels, "decoder_blocks": levels - 1}
        for name, count in expected.items():
            found = len(getattr(self, name))
            if found != count:
                yield (
                    f"{name} has {found} levels, but {levels} features ask for {count}. Give the lists together, with "
                    "one entry per level."
                )
        for name in ("kernels", "strides"):
            rows = getattr(self, name)
            if not rows or any(len(row) != axes or min(row) < 1 or max(row) > MOST_TAPS for row in rows):
                listed = [list(row) for row in rows]
                yield f"{name} is {listed}. Expected {axes} positive numbers per level, of {MOST_TAPS} at most."

    def _find_count_problems(self) -> Iterator[str]:
        for name, most in (
            ("features", MOST_FEATURES),
            ("encoder_blocks", MOST_BLOCKS),
            ("decoder_blocks", MOST_BLOCKS),
        ):
            if not all(1 <= count <= most for count in getattr(self, name)):
                yield f"{name} is {list(getattr(self, name))}. Expected 1 to {most} on every level."
        yield from find_outside(self, reduction="1 or more", dropout="0 or more, less than 1")
        if self.groups < 1:
            yield f"groups is {self.groups}. Expected 1 or more."
        if any(length % 2 == 0 for row in self.kernels for length in row):
            yield f"kernels is {[list(row) for row in self.kernels]}. Expected odd numbers."
        if self.strides and set(self.strides[0]) - {1}:
            yield f"strides begins with {list(self.strides[0])}. Expected 1 on the first level."

    def recomputable(self) -> bool:
        """Return whether levels can be computed again: batch norm's running averages would count every batch twice."""
        return self.norm != "batch"

    def pools(self) -> tuple[bool, ...]:
        """Return of every level whether a max pooling is in front of it."""
        return tuple(self.downsampling == "pool" and max(stride) > 1 for stride in self.strides)

    def scaled(self, factor: float) -> Self:
        """Return the network with the same layers and its features divided."""
        return replace(self, features=scale_features(self.features, factor))

    def projects(self, inputs: int, outputs: int) -> bool:
        """Return whether the skip of a residual block between these widths has a convolution."""
        return self.shortcut == "projection" and inputs != outputs

    def describe(self) -> str:
        """Return the network's shape in a few words."""
        return f"U-Net, {counted(len(self.features), 'level')} of {'-'.join(map(str, self.features))} features"

    def layers(self, channels: int, outputs: int, patch_shape: Sequence[int]) -> NetworkLayers:
        """List the network's convolutions: stem, encoder, decoder, heads.

        Args:
            channels: of the input.
            outputs: channels of every head.
            patch_shape: the network's two or three axes, in voxels.
        """
        voxels = count_level_voxels(self.strides, patch_shape)
        encoder = _list_residual_encoder if self.block == "residual" else _list_plain_encoder
        scales = max(1, len(voxels) - 1) if self.deep_supervision else 1
        heads = zip(self.features[:scales], voxels[:scales], strict=True)
        return NetworkLayers(
            levels=tuple(map(tuple, (*encoder(self, channels, voxels), *_list_decoder(self, voxels)))),
            heads=tuple(head_layer(features, outputs, count) for features, count in heads),
            half_bytes=GROUP_NORM_BYTES if self.norm == "group" else HALF_BYTES,
        )


def find_divisors(strides: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Return per axis the product of the levels' strides: what a patch must be divisible by."""
    return tuple(math.prod(level[axis] for level in strides) for axis in range(len(strides[0])))


def count_level_voxels(strides: Sequence[Sequence[int]], patch_shape: Sequence[int]) -> tuple[int, ...]:
    """Return the voxels of every level's feature maps for one patch, finest first."""
    size, voxels = list(patch_shape), []
    for level in strides:
        size = [length // stride for length, stride in zip(size, level, strict=True)]
        voxels.append(math.prod(size))
    return tuple(voxels)


def _list_plain_encoder(network: UNetOptions, channels: int, voxels: Sequence[int]) -> Iterator[list[Layer]]:
    inputs = channels
    rows = zip(network.features, network.kernels, network.pools(), network.encoder_blocks, voxels, strict=True)
    for features, kernel, pool, blocks, count in rows:
        level = []
        for _ in range(blocks):
            level.append(norm_layer(inputs, features, math.prod(kernel), count))
            inputs = features
        level.extend(_list_end(network, features, count))
        yield _behind_pooling(level) if pool else level


def _list_residual_encoder(network: UNetOptions, channels: int, voxels: Sequence[int]) -> Iterator[list[Layer]]:
    """List the stem, where there is one, and the blocks of every level."""
    inputs, before = channels, voxels[0]
    if network.stem:
        inputs = network.features[0]
        yield [norm_layer(channels, inputs, math.prod(network.kernels[0]), before)]
    rows = zip(network.features, network.kernels, network.pools(), network.encoder_blocks, voxels, strict=True)
    for features, kernel, pool, blocks, count in rows:
        level = []
        for _ in range(blocks):
            level.append(norm_layer(inputs, features, math.prod(kernel), count))
            level.append(norm_layer(features, features, math.prod(kernel), count))
            if network.projects(inputs, features):
                level.append(_projection(inputs, features, count, pooled=count != before and not pool))
            inputs, before = features, count
        level.extend(_list_end(network, features, count))
        yield _behind_pooling(level) if pool else level


def _behind_pooling(level: list[Layer]) -> list[Layer]:
    """Return a level's convolutions with what a max pooling in front makes for the first, and with its places."""
    made = level[0].inputs * level[0].voxels
    first = replace(level[0], kept=level[0].kept + made, kept_bytes=made * INDEX_BYTES)
    return [first, *level[1:]]


def _list_end(network: UNetOptions, features: int, voxels: int) -> Iterator[Layer]:
    """List what weighs the channels at the end of a level."""
    return list_recalibration(features, voxels, network.attention, network.reduction, network.dropout)


def _projection(inputs: int, outputs: int, voxels: int, *, pooled: bool) -> Layer:
    """Return a skip's convolution of kernel 1; its input is made for it where it was pooled."""
    kept = (outputs + (inputs if pooled else 0)) * voxels
    return Layer(inputs=inputs, outputs=outputs, taps=1, voxels=voxels, reads=1, bias=False, kept=kept)


def _list_decoder(network: UNetOptions, voxels: Sequence[int]) -> Iterator[list[Layer]]:
    rows = list(
        zip(
            pairwise(network.features),
            network.kernels[:-1],
            network.strides[1:],
            network.decoder_blocks,
            voxels[:-1],
            strict=True,
        )
    )
    for (fine, coarse), kernel, stride, blocks, count in reversed(rows):
        # Its kernel is its stride: every output voxel reads one input voxel.
        taps = math.prod(stride)
        up = Layer(inputs=coarse, outputs=fine, taps=taps, voxels=count, reads=1, normalized=False)
        first = norm_layer(2 * fine, fine, math.prod(kernel), count, made=2 * fine * count)
        further = 2 * blocks - 1 if network.decoder_block == "residual" else blocks - 1
        level = [up, first, *(norm_layer(fine, fine, math.prod(kernel), count) for _ in range(further))]
        if network.decoder_block == "residual" and network.projects(2 * fine, fine):
            level.insert(3, _projection(2 * fine, fine, count, pooled=False))
        yield [*level, *_list_end(network, fine, count)]
