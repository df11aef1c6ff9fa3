"""Small training cases and geometries shared by the tests of sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from autoseg.sampling import PatchGeometry, ResidentCase, make_resident_case
from autoseg.sampling.patches import Patch
from tests.synthetic.heads import plain_heads

CPU = torch.device("cpu")


def make_case(
    shape: tuple[int, int, int] = (20, 24, 18), classes: int = 3, channels: int = 1, seed: int = 0
) -> ResidentCase:
    """A case of noise with a block of each class 1..classes-1 at random places."""
    rng = np.random.default_rng(seed)
    label = np.zeros(shape, dtype=np.uint8)
    for index in range(1, classes):
        x, y, z = (int(rng.integers(length - 3)) for length in shape)
        label[x : x + 3, y : y + 3, z : z + 3] = index
    image = rng.normal(size=(channels, *shape)).astype(np.float16)
    return make_resident_case(f"case{seed}", image, label, plain_heads(classes), CPU)


def make_empty_case(shape: tuple[int, int, int] = (20, 24, 18)) -> ResidentCase:
    """A case without foreground."""
    return make_resident_case("empty", np.ones((1, *shape)), np.zeros(shape, dtype=np.uint8), plain_heads(3), CPU)


def make_geometry(**changes: Any) -> PatchGeometry:
    """A geometry of 3D patches, with the changes named."""
    values = {
        "patch_shape": (12, 14, 10),
        "slice_axis": -1,
        "batch_size": 4,
        "foreground_share": 0.33,
        "jitter_share": 0.5,
    }
    return PatchGeometry(**(values | changes))


def place_at(*start: int) -> Patch:
    """A patch of the first case."""
    return Patch(case=0, start=(start[0], start[1], start[2]), target=0)


def noise_rows(count: int = 2, shape: tuple[int, ...] = (14, 12, 16), seed: int = 0) -> torch.Tensor:
    """Image rows (row, *axes) of float32 noise about 3."""
    return torch.from_numpy(np.random.default_rng(seed).normal(3.0, 2.0, (count, *shape)).astype(np.float32))
