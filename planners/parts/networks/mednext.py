"""MedNeXt (Roy 2023, arXiv:2303.09975): its options, its published sizes, and its convolutions one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, Self

from dataset_fingerprints.names import counted
from planners.parts.networks.layers import Layer, NetworkLayers, head_layer
from planners.parts.networks.unet import MOST_BLOCKS, MOST_FEATURES, MOST_TAPS, count_level_voxels, find_divisors
from planners.parts.networks.widths import scale_features

SizeName = Literal["S", "B", "M", "L"]
# Blocks and expansion ratios from the finest encoder level to the coarsest, of five levels; the decoder mirrors them.
_SIZES: dict[SizeName, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "S": ((2, 2, 2, 2, 2), (2, 2, 2, 2, 2)),
    "B": ((2, 2, 2, 2, 2), (2, 3, 4, 4, 4)),
    "M": ((3, 4, 4, 4, 4), (2, 3, 4, 4, 4)),
    "L": ((3, 4, 8, 8, 8), (3, 4, 8, 8, 8)),
}
_LEVELS, _BASE_FEATURES = 5, 32
# More than any network has; a larger number is a mistake.
MOST_EXPANSION = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class MedNeXtOptions:
    """MedNeXt; all lists are by level, finest first, in the network's own axes (2D drops the sliced one).

    A block is a depthwise convolution, a norm of every channel, a convolution of kernel 1 to `expansion` times as many
    channels, GELU, and one back, beside a skip. The first block of a level changes shape and width: its depthwise
    convolution has the level's stride, or is transposed in the decoder, and a strided convolution of kernel 1 is its
    skip. Decoder levels add the encoder's features of the same scale. The defaults are size S with kernel 3, in 3D.

    Attributes:
        features: channels.
        kernels: kernel size of the depthwise convolutions, per axis; of a level that is entered with a stride, also
            that of its strided and transposed ones.
        strides: stride at the entrance of each level and axis; the first level's are 1.
        encoder_blocks: blocks of each level, the strided one at its entrance not counted.
        decoder_blocks: the same in the decoder, one entry fewer.
        encoder_expansions: channels inside of a block for each at its entrance.
        decoder_expansions: the same in the decoder, one entry fewer.
        deep_supervision: whether every level gives logits in training (Lee 2015), or only the finest.
    """

    features: tuple[int, ...] = (32, 64, 128, 256, 512)
    kernels: tuple[tuple[int, ...], ...] = ((3, 3, 3),) * 5
    strides: tuple[tuple[int, ...], ...] = ((1, 1, 1), *((2, 2, 2),) * 4)
    encoder_blocks: tuple[int, ...] = (2, 2, 2, 2, 2)
    decoder_blocks: tuple[int, ...] = (2, 2, 2, 2)
    encoder_expansions: tuple[int, ...] = (2, 2, 2, 2, 2)
    decoder_expansions: tuple[int, ...] = (2, 2, 2, 2)
    deep_supervision: bool = True

    def divisors(self) -> tuple[int, ...]:
        """Return per axis what a patch must be divisible by: the product of the strides."""
        return find_divisors(self.strides)

    def find_shape_problems(self, axes: int) -> Iterator[str]:
        """Yield what is wrong with the options for images of so many axes."""
        levels = len(self.features)
        if not levels:
            yield "features is empty. Expected a number of channels for one level or more."
            return
        yield from self._find_count_problems(levels)
        for name in ("kernels", "strides"):
            rows = getattr(self, name)
            if len(rows) != levels or any(len(row) != axes or min(row) < 1 or max(row) > MOST_TAPS for row in rows):
                found = [list(row) for row in rows]
                yield (
                    f"{name} is {found}. Expected {axes} positive numbers for each of {counted(levels, 'level')}, of "
                    f"{MOST_TAPS} at most."
                )
        if any(length % 2 == 0 for row in self.kernels for length in row):
            yield f"kernels is {[list(row) for row in self.kernels]}. Expected odd numbers."
        if self.strides and set(self.strides[0]) - {1}:
            yield f"strides begins with {list(self.strides[0])}. Expected 1 on the first level."

    def _find_count_problems(self, levels: int) -> Iterator[str]:
        for name, most, count in (
            ("features", MOST_FEATURES, levels),
            ("encoder_blocks", MOST_BLOCKS, levels),
            ("decoder_blocks", MOST_BLOCKS, levels - 1),
            ("encoder_expansions", MOST_EXPANSION, levels),
            ("decoder_expansions", MOST_EXPANSION, levels - 1),
        ):
            found = getattr(self, name)
            if len(found) != count or not all(1 <= entry <= most for entry in found):
                yield (
                    f"{name} is {list(found)}. Expected {counted(count, 'number')} of 1 to {most}, for "
                    f"{counted(levels, 'level')} of features."
                )

    def recomputable(self) -> bool:
        """Return whether the network can compute its blocks again in the backward pass."""
        return True

    def describe(self) -> str:
        """Return the network's shape in a few words."""
        kernel = max(max(row) for row in self.kernels)
        levels = counted(len(self.features), "level")
        return f"MedNeXt of kernel {kernel}, {levels} of {'-'.join(map(str, self.features))} features"

    def scaled(self, factor: float) -> Self:
        """Return the network with the same layers and its features divided."""
        return replace(self, features=scale_features(self.features, factor))

    def layers(self, channels: int, outputs: int, patch_shape: Sequence[int]) -> NetworkLayers:
        """List the network's convolutions: stem, encoder, decoder, heads.

        Args:
            channels: of the input.
            outputs: channels of every head.
            patch_shape: the network's two or three axes, in voxels.
        """
        voxels = count_level_voxels(self.strides, patch_shape)
        finest = self.features[0]
        stem = replace(_pointwise((channels, finest), voxels[0]), kept=finest * voxels[0])
        scales = len(voxels) if self.deep_supervision else 1
        heads = zip(self.features[:scales], voxels[:scales], strict=True)
        return NetworkLayers(
            levels=((stem,), *_list_encoder(self, voxels), *_list_decoder(self, voxels)),
            heads=tuple(head_layer(features, outputs, count) for features, count in heads),
        )


def size_mednext(
    size: SizeName, kernels: Sequence[Sequence[int]], strides: Sequence[Sequence[int]], features: int = _BASE_FEATURES
) -> MedNeXtOptions:
    """Return MedNeXt in a published size (Roy 2023, table 1) for the levels that strides give.

    The published networks have five levels. Of fewer the finest ones' blocks and expansions are taken; further ones
    have those of the fifth, and no more features than it.

    Args:
        size: S, B, M or L.
        kernels: per level and axis.
        strides: per level and axis, 1 on the first.
        features: of the finest level; 32 as published.
    """
    places = [min(level, _LEVELS - 1) for level in range(len(strides))]
    blocks, expansions = (tuple(row[place] for place in places) for row in _SIZES[size])
    return MedNeXtOptions(
        features=tuple(features * 2**place for place in places),
        kernels=tuple(map(tuple, kernels)),
        strides=tuple(map(tuple, strides)),
        encoder_blocks=blocks,
        decoder_blocks=blocks[:-1],
        encoder_expansions=expansions,
        decoder_expansions=expansions[:-1],
    )


def _list_encoder(network: MedNeXtOptions, voxels: Sequence[int]) -> Iterator[tuple[Layer, ...]]:
    rows = zip(network.encoder_blocks, network.encoder_expansions, strict=True)
    for level, (blocks, expansion) in enumerate(rows):
        features, taps = network.features[level], math.prod(network.kernels[level])
        if level:
            widths = (network.features[level - 1], features)
            yield _list_block(widths, expansion, (taps, taps), voxels[level], skip=1.0)
        for _ in range(blocks):
            yield _list_block((features, features), expansion, (taps, taps), voxels[level])


def _list_decoder(network: MedNeXtOptions, voxels: Sequence[int]) -> Iterator[tuple[Layer, ...]]:
    for level, widths in reversed(list(enumerate(pairwise(network.features)))):
        fine, coarse = widths
        expansion, spread = network.decoder_expansions[level], 1 / math.prod(network.strides[level + 1])
        taps = math.prod(network.kernels[level + 1])
        # A voxel of the input reaches `taps` voxels of an output that has as many times more as the stride makes.
        yield _list_block((coarse, fine), expansion, (taps, taps * spread), voxels[level], skip=spread)
        taps = math.prod(network.kernels[level])
        for _ in range(network.decoder_blocks[level]):
            yield _list_block((fine, fine), expansion, (taps, taps), voxels[level])


def _list_block(
    widths: tuple[int, int], expansion: int, depthwise: tuple[int, float], voxels: int, *, skip: float = 0.0
) -> tuple[Layer, ...]:
    """Return a block's convolutions; what it puts out is kept by what follows.

    Args:
        widths: channels of input and output.
        expansion: channels inside for each of the input.
        depthwise: taps of the depthwise convolution, and values of its input that an output value depends on.
        voxels: of what it puts out.
        skip: input values that an output value of the skip's convolution depends on; 0 where it has none.
    """
    inputs, outputs = widths
    inner = expansion * inputs
    taps, reads = depthwise
    first = Layer(
        inputs=inputs,
        outputs=inputs,
        taps=taps,
        voxels=voxels,
        reads=reads,
        groups=inputs,
        kept=2 * inputs * voxels,
    )
    expanded = replace(_pointwise((inputs, inner), voxels), kept=2 * inner * voxels)
    compressed = replace(_pointwise((inner, outputs), voxels), kept=outputs * voxels)
    projection = (_pointwise(widths, voxels, skip),) if skip else ()
    return (*projection, first, expanded, compressed)


def _pointwise(widths: tuple[int, int], voxels: int, reads: float = 1) -> Layer:
    return Layer(inputs=widths[0], outputs=widths[1], taps=1, voxels=voxels, reads=reads, normalized=False)
