"""Tiles of a sliding window: its settings, the tiles' positions, and the weight of each of their voxels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from dataset_fingerprints.geometry import Triple
from planners.neighbours import list_offsets
from planners.plan import Configuration, Prediction

FLOAT_BYTES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Settings of a sliding window.

    Attributes:
        outputs: channels of the logits.
        exclusive: whether outputs compete, with background first.
        mirror: whether the configuration's flips are averaged.
        autocast: the number type of the network's convolutions.
        tiles_at_once: network inputs per call, flips counted.
        divisors: of the lengths that the network takes, along its axes; other tiles are padded. Empty for any lengths.
    """

    configuration: Configuration
    outputs: int
    exclusive: bool
    device: torch.device
    autocast: torch.dtype
    mirror: bool
    tiles_at_once: int
    divisors: tuple[int, ...] = ()

    def flipped_axes(self) -> tuple[int, ...]:
        """Return the axes whose flips are averaged, in all combinations."""
        return self.configuration.prediction.mirror_axes if self.mirror else ()

    def sums_bytes(self, shape: Triple) -> int:
        """Return the bytes of the sums of logits and weights, which span a tile along the first axis."""
        _, y, z = shape
        return min(shape[0], self.configuration.patch_shape[0]) * y * z * (self.outputs + 1) * FLOAT_BYTES

    def positions(self, shape: Triple) -> tuple[Triple, ...]:
        """Return the starts of all tiles that cover an array, sorted by the first axis."""
        return tile_positions(shape, self.configuration.patch_shape, self.configuration.prediction.step_share)


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


@lru_cache(maxsize=8)
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


def cut(image: torch.Tensor, start: Triple, tile: Triple) -> torch.Tensor:
    """Return the part of (channel, x, y, z) that is a tile."""
    x, y, z = (slice(begin, begin + edge) for begin, edge in zip(start, tile, strict=True))
    return image[:, x, y, z]


def cut_seen(image: torch.Tensor, start: Triple, configuration: Configuration) -> torch.Tensor:
    """Return what a configuration's network sees of a tile: its channels, then those of each slice beside it.

    Beyond the image, its outermost slice is seen again.
    """
    edges, axis = configuration.patch_shape, configuration.slice_axis
    if not configuration.neighbours:
        return cut(image, start, edges)
    seen = []
    for offset in list_offsets(configuration.neighbours):
        place = list(start)
        place[axis] = min(max(start[axis] + offset, 0), image.shape[1 + axis] - 1)
        seen.append(cut(image, (place[0], place[1], place[2]), edges))
    return torch.cat(seen)


def find_empty(window: Window, shape: Triple, body: torch.Tensor | None) -> frozenset[Triple]:
    """Return the starts of the tiles that hold nothing but background.

    Args:
        window: how the tiles lie.
        shape: of the array that they cover; of one that is smaller than a tile, none is empty.
        body: (x, y, z), of any resolution, False where that array is background; None where none was proven.
    """
    edges = window.configuration.patch_shape
    if body is None or any(length < edge for length, edge in zip(shape, edges, strict=True)):
        return frozenset()
    return frozenset(start for start in window.positions(shape) if not _find_part(body, start, edges, shape).any())


def _find_part(body: torch.Tensor, start: Triple, edges: Triple, shape: Triple) -> torch.Tensor:
    """Return the part of a body that a tile sees, with a voxel of margin: interpolation spreads the body so far."""
    x, y, z = (
        slice(max(0, begin * own // length - 1), -(-(begin + edge) * own // length) + 1)
        for begin, edge, own, length in zip(start, edges, body.shape, shape, strict=True)
    )
    return body[x, y, z]
