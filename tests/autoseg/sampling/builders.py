"""Small training cases and geometries shared by the tests of sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from autoseg.sampling import (
    BatchParameters,
    PatchGeometry,
    ResidentVoxels,
    TrainingCase,
    apply_batch,
    cut_sample,
    make_resident_case,
    split_mask,
)
from autoseg.sampling.patches import Patch
from autoseg.sampling.spatial import Spatial, find_box, interpolate_patches
from dataset_fingerprints.dataset import Heads
from tests.synthetic.heads import plain_heads

CPU = torch.device("cpu")


def make_case(
    shape: tuple[int, int, int] = (20, 24, 18), classes: int = 3, channels: int = 1, seed: int = 0
) -> TrainingCase:
    """A case of noise with a block of each class 1..classes-1 at random places."""
    rng = np.random.default_rng(seed)
    label = np.zeros(shape, dtype=np.uint8)
    for index in range(1, classes):
        x, y, z = (int(rng.integers(length - 3)) for length in shape)
        label[x : x + 3, y : y + 3, z : z + 3] = index
    image = rng.normal(size=(channels, *shape)).astype(np.float16)
    return make_resident_case(f"case{seed}", image, label, plain_heads(classes), CPU)


def make_empty_case(shape: tuple[int, int, int] = (20, 24, 18)) -> TrainingCase:
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


def with_previous(case: TrainingCase, indices: np.ndarray, heads: Heads) -> TrainingCase:
    """The case in memory, with the label indices that a cascade's first stage predicted."""
    parts, mask = split_mask(indices, heads.targets())
    voxels = ResidentVoxels(image=case.voxels.image, maps=(*case.voxels.maps, torch.from_numpy(parts)))
    return replace(case, voxels=voxels, previous=mask)


def make_batch(
    parameters: BatchParameters, cases: Sequence[TrainingCase], geometry: PatchGeometry, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut and make a batch."""
    cutouts = [cut_sample(sample, cases, geometry) for sample in parameters.samples]
    batch = apply_batch(parameters, cutouts, geometry, device)
    return batch.images, batch.labels


def interpolate(
    places: Sequence[tuple[Patch, Spatial]], case: TrainingCase, shape: tuple[int, int, int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut patches of one case and interpolate all of them, also those that could be copied."""
    cutouts = [case.cut(*find_box(patch, spatial, shape)) for patch, spatial in places]
    return interpolate_patches(places, cutouts, shape, CPU)


def place_at(*start: int) -> Patch:
    """A patch of the first case."""
    return Patch(case=0, start=(start[0], start[1], start[2]), target=0)


def noise_rows(count: int = 2, shape: tuple[int, ...] = (14, 12, 16), seed: int = 0) -> torch.Tensor:
    """Image rows (row, *axes) of float32 noise about 3."""
    return torch.from_numpy(np.random.default_rng(seed).normal(3.0, 2.0, (count, *shape)).astype(np.float32))
