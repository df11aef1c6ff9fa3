"""A training case that is a box of a larger one, as `CropTo` asks for: nothing outside of the box is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autoseg.pipeline.folds.residency import StoredVoxels
from autoseg.preprocessing import View, pack_array
from autoseg.sampling import CaseVoxels, TrainingCase, hold_voxels, make_case, sample_batch, split_mask
from autoseg.sampling.augmentations.spatial import Spatial
from dataset_fingerprints.geometry import Box
from planners.choices import Choice
from planners.parts import AUGMENTATIONS, PATCHES
from tests.autoseg.sampling.builders import (
    CPU,
    example,
    foreground,
    interpolate,
    make_batch,
    make_geometry,
    make_rules,
    place_at,
    store_case,
)
from tests.autoseg.sampling.builders import make_case as make_whole
from tests.synthetic.heads import plain_heads

HEADS = plain_heads(3)
CROP = Box(start=(9, 20, 5), stop=(29, 44, 27))


def make_noise() -> TrainingCase:
    """A case with values above 0 everywhere and blocks of both labels inside and outside of the box."""
    case = make_whole(shape=(40, 50, 36), classes=1)
    label = np.zeros((40, 50, 36), dtype=np.uint8)
    label[10:14, 22:26, 6:9], label[24:27, 40:48, 20:30] = 1, 2
    label[2:6, 2:6, 2:6], label[35:39, 3:9, 30:34] = 1, 2
    voxels = hold_voxels(case.voxels.image.numpy() ** 2 + 1, label, CPU)
    return make_case("noise", voxels, label, HEADS, find_lesions=True)


def crop_case(whole: TrainingCase, folder: Path | None) -> TrainingCase:
    """The box of a case, with its labels as another configuration's mask; in memory, or in a folder on the disk."""
    image, label = whole.voxels.image.numpy(), whole.voxels.maps[0].numpy()
    inside = label[CROP.slices()]
    components, mask = split_mask(inside, HEADS.targets())
    voxels: CaseVoxels
    if folder is None:
        voxels = hold_voxels(image[(..., *CROP.slices())], inside, CPU, [components])
    else:
        stored = store_case(whole, folder).voxels
        assert isinstance(stored, StoredVoxels)
        voxels = replace(stored, view=View(box=CROP), components=(pack_array(components),))
    return replace(make_case("noise", voxels, inside, HEADS, find_lesions=True), masks=(mask,))


@pytest.fixture(params=["memory", "disk"])
def crop(request: pytest.FixtureRequest, tmp_path: Path) -> TrainingCase:
    return crop_case(make_noise(), tmp_path if request.param == "disk" else None)


@pytest.mark.parametrize("name", PATCHES)
def test_patches_lie_inside_of_the_box(crop: TrainingCase, name: str) -> None:
    # Boxes of a grid may reach out of a case: two of these fit along each axis.
    geometry = make_geometry(batch_size=60, patch_shape=(10, 12, 11) if name == "grid" else (12, 14, 10))
    rules = make_rules(geometry, patches=Choice(name=name))
    starts = np.array([sample.patch.start for sample in sample_batch(np.random.default_rng(0), [crop], rules).samples])
    assert starts.min() >= 0
    assert np.all(starts + rules.geometry.patch_shape <= CROP.shape())


def test_a_patch_shows_the_voxels_of_the_box_and_zeros_beside_it(crop: TrainingCase) -> None:
    whole, (x, y, z) = make_noise(), CROP.start
    cutout = crop.cut((-3, 4, 10), (12, 9, 20))
    assert cutout.start == (0, 4, 10)
    image, label = whole.voxels.image[:, x : x + 9, y + 4 : y + 13, z + 10 : z + 22], whole.voxels.maps[0]
    torch.testing.assert_close(cutout.image, image, rtol=0, atol=0)
    torch.testing.assert_close(cutout.maps[0], label[x : x + 9, y + 4 : y + 13, z + 10 : z + 22], rtol=0, atol=0)
    large = make_rules(make_geometry(patch_shape=(34, 40, 36), batch_size=1))
    images, labels = make_batch(sample_batch(np.random.default_rng(0), [crop], large), [crop], large)
    # All values of the case are above 0.
    assert int((images[0, 0] > 0).sum()) == np.prod(CROP.shape())
    assert int((labels > 0).sum()) == int((whole.voxels.maps[0][CROP.slices()] > 0).sum())


@pytest.mark.parametrize("start", [(-30, 4, 4), (25, 4, 4)])
def test_a_box_beside_the_case_shows_nothing_of_it(crop: TrainingCase, start: tuple[int, int, int]) -> None:
    assert crop.cut(start, (12, 9, 16)).image.shape == (1, 1, 9, 16)
    images, maps = interpolate([(place_at(*start), Spatial(scales=(0.7, 0.7, 0.7)))], crop, (12, 9, 16))
    assert not images.any()
    assert not maps.any()


def test_coordinates_lesions_and_masks_are_those_inside_of_the_box(crop: TrainingCase) -> None:
    inside = make_noise().voxels.maps[0].numpy()[CROP.slices()]
    for index, voxels in enumerate(crop.foreground, start=1):
        assert len(voxels) == (inside == index).sum()
        assert set(inside[tuple(voxels.T)].tolist()) == {index}
    assert [lesions.sizes.tolist() for lesions in crop.lesions] == [[48], [84]]
    assert crop.masks[0].sizes.tolist() == [0, 48, 84]
    assert crop.masks[0].boxes[1:].tolist() == [[[1, 2, 1], [5, 6, 4]], [[15, 20, 15], [18, 24, 22]]]


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_batches_of_a_box_on_the_disk_equal_those_of_memory_bit_for_bit(tmp_path: Path, name: str) -> None:
    held, stored = (crop_case(make_noise(), folder) for folder in (None, tmp_path))
    rules = make_rules(make_geometry(), example(name), patches=foreground(lesion_balance=0.5))
    parameters = sample_batch(np.random.default_rng(1), [held], rules)
    assert parameters == sample_batch(np.random.default_rng(1), [stored], rules)
    batches = [make_batch(parameters, [case], rules) for case in (held, stored)]
    assert all(map(torch.equal, *batches))
