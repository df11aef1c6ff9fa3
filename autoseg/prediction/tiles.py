"""Tiles of a sliding window: their positions, and the weight of each of their voxels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch

from dataset_fingerprints.geometry import Triple
from planners.plan import Prediction


def tile_starts(length: int, tile: int, step_share: float) -> tuple[int, ...]:
    """Return the starts along one axis: evenly spread, at most `step_share` of a tile apart, ending at the border.

    Args:
        length: of the array, at least `tile`.
        tile: of one tile.
        step_share: 0.5 overlaps neighbours by half.
    """
    step = max(1.0, tile * step_share)
    count = int(np.ceil((length - tile) / step)) + 1
    return tuple(round(float(start)) for start in np.linspace(0, length - tile, count))


def tile_positions(shape: Triple, tile: Triple, step_share: float) -> tuple[Triple, ...]:
    """Return the starts of all tiles that cover an array."""
    axes = (tile_starts(length, edge, step_share) for length, edge in zip(shape, tile, strict=True))
    return tuple((x, y, z) for x, y, z in itertools.product(*axes))


def weigh_tile(tile: Triple, prediction: Prediction) -> torch.Tensor:
    """Return the (x, y, z) weights of a tile's voxels; 1 at most, never 0."""
    rule = nnunet_weights if prediction.tile_weights == "nnunet" else gaussian_weights
    return rule(tile, prediction.gaussian_sigma_share)


def gaussian_weights(tile: Triple, sigma_share: float) -> torch.Tensor:
    """Return (x, y, z) weights that fall off from the tile's centre (Isensee 2021); 1 at most, never 0.

    Args:
        tile: shape in voxels.
        sigma_share: standard deviation as a share of each edge.
    """
    weights = torch.ones(tile, dtype=torch.float64)
    for axis, edge in enumerate(tile):
        distance = torch.arange(edge, dtype=torch.float64) - (edge - 1) / 2
        shape = [1, 1, 1]
        shape[axis] = edge
        weights = weights * torch.exp(-0.5 * (distance / (sigma_share * edge)) ** 2).view(shape)
    return (weights / weights.max()).clamp_min(1e-4).float()


def nnunet_weights(tile: Triple, sigma_share: float) -> torch.Tensor:
    """Return (x, y, z) weights as nnU-Net computes them: around the voxel behind the centre, and in half precision.

    They are 10 at most there, and where half precision makes them 0, its smallest one. Here they are 1 at most.
    """
    weights = torch.full(tile, 10.0, dtype=torch.float64)
    for axis, edge in enumerate(tile):
        distance = torch.arange(edge, dtype=torch.float64) - edge // 2
        shape = [1, 1, 1]
        shape[axis] = edge
        weights = weights * torch.exp(-0.5 * (distance / (sigma_share * edge)) ** 2).view(shape)
    halves = weights.half().float()
    return torch.where(halves > 0, halves, halves[halves > 0].min()) / 10


def flip_sets(axes: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return every combination of axes to flip, none first."""
    return tuple(chosen for count in range(len(axes) + 1) for chosen in itertools.combinations(sorted(axes), count))
