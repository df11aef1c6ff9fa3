"""Cheaper and cheaper ways to predict a volume, and the passes through the network that each takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from autoseg.prediction.sliding.tiles import flip_sets, tile_starts
from dataset_fingerprints.geometry import Triple
from dataset_fingerprints.names import counted
from planners.halves import Halves
from planners.plan import Prediction

# Distances between tiles as shares of a patch, tried once flips are given up.
WIDER_STEPS = (0.65, 0.75, 0.9)


def list_efforts(prediction: Prediction) -> Iterator[Prediction]:
    """Yield what a plan says, then ways with fewer flips, none, and tiles that overlap less."""
    yield prediction
    if len(prediction.mirror_axes) > 1:
        yield replace(prediction, mirror_axes=prediction.mirror_axes[:1])
    plain = replace(prediction, mirror_axes=())
    if prediction.mirror_axes:
        yield plain
    for step_share in WIDER_STEPS:
        if step_share > prediction.step_share:
            yield replace(plain, step_share=step_share)


@lru_cache(maxsize=16_384)
def count_passes(shape: Triple, patch_shape: Triple, prediction: Prediction, halves: Halves | None = None) -> int:
    """Return how many patches go through the network for one volume, or for its halves, each of its flips counted."""
    centre = prediction.centre_shape or shape
    seen = (min(shape[0], centre[0]), min(shape[1], centre[1]), min(shape[2], centre[2]))
    parts = (seen,) if halves is None else halves.list_shapes(seen)
    tiles = sum(count_tiles(part, patch_shape, prediction.step_share) for part in parts)
    return tiles * len(flip_sets(prediction.mirror_axes))


def count_tiles(shape: Triple, patch_shape: Triple, step_share: float) -> int:
    """Return the number of tiles that cover a volume, which is padded to a patch at least."""
    return math.prod(
        len(tile_starts(max(length, edge), edge, step_share)) for length, edge in zip(shape, patch_shape, strict=True)
    )


def describe_effort(prediction: Prediction) -> str:
    """Return flips and overlap in words."""
    flips = len(flip_sets(prediction.mirror_axes))
    averaged = f"{counted(flips, 'flip')} averaged" if flips > 1 else "no flips"
    return f"{averaged}, tiles overlap by {1 - prediction.step_share:.0%}"
