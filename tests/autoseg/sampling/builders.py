"""Small training cases and rules of batches shared by the tests of sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autoseg.pipeline.folds.residency import StoredVoxels
from autoseg.preprocessing import Record, Store, View, pack_array, write_array
from autoseg.preprocessing.store import CODE_VERSION, StoredCase
from autoseg.sampling import (
    BatchParameters,
    BatchRules,
    Patch,
    PatchGeometry,
    ResidentVoxels,
    TrainingCase,
    apply_batch,
    cut_sample,
    make_resident_case,
    split_mask,
)
from autoseg.sampling.augmentations import build_augmenters
from autoseg.sampling.augmentations.spatial import Spatial, find_box, interpolate_patches
from autoseg.sampling.patches.case_choice import CaseChooser, UniformChooser
from autoseg.sampling.patches.placing import build_placer
from autoseg.workspace.store import StoreFolder
from dataset_fingerprints.dataset import Heads
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import Box, make_grid
from planners.choices import Choice, choose
from planners.parts.augmentations import StandardOptions
from planners.parts.patches import ForegroundOptions
from tests.synthetic.heads import plain_heads

CPU = torch.device("cpu")
# Everything happens to every sample.
BUSY = {name: 1.0 for name in StandardOptions.__dataclass_fields__ if name.endswith("_probability")}
MIRROR_AND_NOISE = [
    {"name": "GaussianNoiseTransform", "options": {"noise_variance": [0.0, 0.1]}},
    {"name": "MirrorTransform", "options": {"axes": [0, 1]}},
]
# The entries of AUGMENTATIONS that have no defaults of their own.
EXAMPLES: dict[str, Choice] = {
    "batchgenerators": Choice(name="batchgenerators", options={"transforms": MIRROR_AND_NOISE})
}


def example(name: str) -> Choice:
    """An entry of AUGMENTATIONS with options that it can be built with."""
    return EXAMPLES.get(name, Choice(name=name))


def standard(**options: Any) -> Choice:
    """The standard augmentation with the options named."""
    return choose("standard", StandardOptions(**options))


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
    values = {"patch_shape": (12, 14, 10), "slice_axis": -1, "batch_size": 4}
    return PatchGeometry(**(values | changes))


GEOMETRIES = {
    "3d": make_geometry(batch_size=8),
    "flat": make_geometry(patch_shape=(14, 16, 4), batch_size=8),
    "larger than the case": make_geometry(patch_shape=(24, 30, 20)),
    "2d": make_geometry(patch_shape=(12, 1, 14), slice_axis=1, batch_size=8),
}


def foreground(**options: Any) -> Choice:
    """Patches of which a third hold foreground, with the options named."""
    values = {"foreground_share": 0.33, "jitter_share": 0.5}
    return choose("foreground", ForegroundOptions(**(values | options)))


def make_rules(
    geometry: PatchGeometry,
    *augmentations: Choice,
    patches: Choice | None = None,
    chooser: CaseChooser | None = None,
    indices: Sequence[int] = (0, 1, 2),
) -> BatchRules:
    """Rules of batches of this shape; cases are drawn alike and patches are `foreground()` unless others are named."""
    return BatchRules(
        geometry=geometry,
        chooser=chooser or UniformChooser(),
        placer=build_placer(patches or foreground()),
        augmenters=build_augmenters(augmentations),
        indices=frozenset(indices),
    )


def with_masks(case: TrainingCase, heads: Heads, *masks: np.ndarray) -> TrainingCase:
    """The case in memory, with label indices that other configurations predicted."""
    split = [split_mask(indices, heads.targets()) for indices in masks]
    maps = (*case.voxels.maps, *(torch.from_numpy(components) for components, _ in split))
    voxels = ResidentVoxels(image=case.voxels.image, maps=maps)
    return replace(case, voxels=voxels, masks=tuple(mask for _, mask in split))


def two_blocks() -> np.ndarray:
    """Label 1 in two blocks, label 2 in one that touches the first."""
    indices = np.zeros((16, 18, 14), dtype=np.uint8)
    indices[2:5, 2:5, 2:5] = 1
    indices[10:14, 10:14, 8:12] = 1
    indices[5:7, 2:5, 2:5] = 2
    return indices


def store_case(case: TrainingCase, folder: Path) -> TrainingCase:
    """The same case with its arrays on the disk."""
    label, *components = (values.numpy() for values in case.voxels.maps)
    store = Store(folder=StoreFolder(root=folder))
    box = Box(start=(0, 0, 0), stop=case.voxels.shape)
    stored = StoredCase(
        case=case.name,
        code_version=CODE_VERSION,
        identities=(),
        record=Record(box=box, shape=case.voxels.shape, source_grid=make_grid(case.voxels.shape, np.eye(4))),
        image=write_array(store.folder.image(case.name), case.voxels.image.numpy()),
        labels=write_array(store.folder.labels(case.name), label),
    )
    write_json(store.folder.record(case.name), stored)
    voxels = StoredVoxels(
        store=store,
        case=case.name,
        view=View(box=box),
        channels=case.voxels.channels,
        components=tuple(map(pack_array, components)),
    )
    return replace(case, voxels=voxels)


def make_batch(
    parameters: BatchParameters, cases: Sequence[TrainingCase], rules: BatchRules, device: torch.device = CPU
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut and make a batch."""
    cutouts = [cut_sample(sample, cases, rules.geometry) for sample in parameters.samples]
    batch = apply_batch(parameters, cutouts, rules, device)
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
