"""The U-Net's skeleton: where it halves its feature maps, how wide its kernels are, how many features it has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from planners.parts.networks import BlockName, UNetOptions
from planners.parts.networks.unet import find_divisors

MIN_EDGE = 4  # voxels along each pooled axis of the coarsest feature map
CONVOLUTIONS_PER_LEVEL = 2
RESIDUAL_BLOCKS = (1, 3, 4, 6)  # of the first encoder levels; all coarser ones have as many as the last
UNLIMITED_LEVELS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Pooling:
    """Strides and kernels per level and axis, and what each axis of a patch must therefore be divisible by."""

    strides: tuple[tuple[int, ...], ...]
    kernels: tuple[tuple[int, ...], ...]
    divisors: tuple[int, ...]


def choose_pooling(spacing_mm: Sequence[float], size: Sequence[float], max_levels: int = UNLIMITED_LEVELS) -> Pooling:
    """Halve the finest axes level by level until no axis can be halved without falling below 4 voxels.

    An axis joins once the others have been halved to within a factor 2 of its spacing; its kernels are 1 until then
    and 3 from there on. The coarsest level always has kernels of 3 (Isensee 2021).

    Args:
        spacing_mm: per axis.
        size: of the patch, per axis, in voxels.
        max_levels: stops the halving early.
    """
    spacing, length = list(spacing_mm), list(size)
    axes = range(len(spacing))
    strides, kernels, kernel = [(1,) * len(spacing)], [], [1] * len(spacing)
    while len(strides) < max_levels and (pooled := _poolable_axes(spacing, length)):
        kernel = [3 if kernel[axis] == 3 or spacing[axis] / min(spacing) < 2 else 1 for axis in axes]
        kernels.append(tuple(kernel))
        strides.append(tuple(2 if axis in pooled else 1 for axis in axes))
        for axis in pooled:
            spacing[axis] *= 2
            length[axis] = math.ceil(length[axis] / 2)
    kernels.append((3,) * len(spacing))
    return Pooling(strides=tuple(strides), kernels=tuple(kernels), divisors=find_divisors(strides))


def _poolable_axes(spacing: Sequence[float], length: Sequence[float]) -> list[int]:
    """Return the axes to halve next: long enough, and less than twice as coarse as the finest that is long enough."""
    long_enough = [axis for axis in range(len(spacing)) if length[axis] >= 2 * MIN_EDGE]
    finest = min((spacing[axis] for axis in long_enough), default=1.0)
    poolable = [axis for axis in long_enough if spacing[axis] / finest < 2]
    if len(poolable) == 1 and length[poolable[0]] < 3 * MIN_EDGE:
        return []
    return poolable


def pad_up(size: Sequence[float], divisors: Sequence[int]) -> tuple[int, ...]:
    """Return the smallest multiple of each divisor that is not below `size`."""
    return tuple(math.ceil(length / divisor) * divisor for length, divisor in zip(size, divisors, strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Finest:
    """The finest level, on whose full resolution a step spends most of its time.

    Attributes:
        thin: half of the features and one block less, in encoder and decoder.
        extra: blocks added, in encoder and decoder.
    """

    thin: bool = False
    extra: int = 0

    def blocks(self) -> int:
        """Return the blocks that it has more than other levels."""
        return self.extra - self.thin

    def features(self, base: int) -> int:
        """Return its features where they would be `base`."""
        return max(1, base // 2) if self.thin else base


PLAIN_FINEST = Finest()


def shape_network(
    pooling: Pooling, block: BlockName, base_features: int, max_features: int, finest: Finest = PLAIN_FINEST
) -> UNetOptions:
    """Return a U-Net with this pooling, its features doubled per level up to a cap.

    Plain levels have two convolutions in encoder and decoder (Isensee 2021). A residual encoder has most of its blocks
    at the coarse levels, where they are cheap, and a decoder of single convolutions (Isensee 2024).

    Args:
        finest: what is other on the finest level.
    """
    levels = len(pooling.strides)
    plain = block == "plain"
    encoder = [
        CONVOLUTIONS_PER_LEVEL if plain else RESIDUAL_BLOCKS[min(level, len(RESIDUAL_BLOCKS) - 1)]
        for level in range(levels)
    ]
    decoder = [CONVOLUTIONS_PER_LEVEL if plain else 1] * (levels - 1)
    features = [min(max_features, base_features * 2**level) for level in range(levels)]
    return UNetOptions(
        block=block,
        features=(finest.features(features[0]), *features[1:]),
        kernels=pooling.kernels,
        strides=pooling.strides,
        encoder_blocks=(max(1, encoder[0] + finest.blocks()), *encoder[1:]),
        decoder_blocks=(max(1, decoder[0] + finest.blocks()), *decoder[1:]) if decoder else (),
    )


def reorder_axes(network: UNetOptions, axes: Sequence[int]) -> UNetOptions:
    """Return the network with its axes in ascending canonical order.

    Args:
        network: with axes in the order of the sizing rules.
        axes: the canonical axis that each of its axes is.
    """
    order = sorted(range(len(axes)), key=lambda position: axes[position])
    return replace(
        network,
        kernels=tuple(tuple(level[position] for position in order) for level in network.kernels),
        strides=tuple(tuple(level[position] for position in order) for level in network.strides),
    )
