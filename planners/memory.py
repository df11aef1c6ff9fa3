"""How much memory a network's activations take, as the number of values its convolutions put out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from planners.plan import Topology


def count_feature_map_elements(
    topology: Topology, patch_shape: Sequence[int], outputs: int, *, residual: bool, deep_supervision: bool
) -> int:
    """Return the number of values that all convolutions put out for one patch.

    Counted are the encoder's convolutions, the transposed convolutions, the decoder's convolutions and the
    segmentation heads; not weights, gradients or optimiser states. This is the measure that nnU-Net's reference
    figures are in (Isensee 2021; 2024 for the residual encoder).

    Args:
        topology: axes in the order of `patch_shape`.
        patch_shape: the network's two or three axes, in voxels.
        outputs: channels of a segmentation head.
        residual: whether the encoder has residual blocks behind a stem, or plain convolutions.
        deep_supervision: whether every decoder stage has a head, or only the finest.
    """
    voxels = _voxels_per_stage(topology, patch_shape)
    encoder = _count_residual_encoder(topology, voxels) if residual else _count_plain_encoder(topology, voxels)
    decoder = sum(
        topology.features[stage] * voxels[stage] * (1 + blocks) for stage, blocks in enumerate(topology.decoder_blocks)
    )
    heads = outputs * (sum(voxels[:-1]) if deep_supervision else voxels[0])
    return encoder + decoder + heads


def _voxels_per_stage(topology: Topology, patch_shape: Sequence[int]) -> list[int]:
    size, voxels = list(patch_shape), []
    for strides in topology.strides:
        size = [length // stride for length, stride in zip(size, strides, strict=True)]
        voxels.append(math.prod(size))
    return voxels


def _count_plain_encoder(topology: Topology, voxels: Sequence[int]) -> int:
    stages = zip(topology.features, topology.encoder_blocks, voxels, strict=True)
    return sum(features * blocks * count for features, blocks, count in stages)


def _count_residual_encoder(topology: Topology, voxels: Sequence[int]) -> int:
    """Count a stem, two convolutions per block, and a projection wherever a stage changes the features or the size."""
    total = topology.features[0] * voxels[0]
    before = (topology.features[0], voxels[0])
    for now, blocks in zip(zip(topology.features, voxels, strict=True), topology.encoder_blocks, strict=True):
        total += math.prod(now) * (2 * blocks + (now != before))
        before = now
    return total
