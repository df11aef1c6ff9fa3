"""Slices beside its own that a 2D network sees, in training as in prediction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from autoseg.prediction.sliding.tiles import cut_seen
from autoseg.sampling import PatchGeometry, TrainingCase, make_resident_case, sample_batch
from autoseg.sampling.augmentations import Cut
from autoseg.sampling.augmentations.spatial import Elastic, Spatial
from autoseg.sampling.batch import BatchParameters, SampleParameters
from planners.choices import Choice
from planners.neighbours import list_offsets
from tests.autoseg.sampling.builders import (
    BUSY,
    CPU,
    make_batch,
    make_case,
    make_rules,
    place_at,
    standard,
    store_case,
    two_blocks,
    with_masks,
)
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_heads

SHAPE = (16, 18, 14)


def geometry_of(axis: int = 2, neighbours: int = 2) -> PatchGeometry:
    x, y, z = (1 if one == axis else 8 for one in range(3))
    return PatchGeometry(patch_shape=(x, y, z), slice_axis=axis, batch_size=1, neighbours=neighbours)


def slices_of(axis: int = 2, channels: int = 2) -> TrainingCase:
    """Return a case whose voxels are the number of their slice, and 100 more in each further channel."""
    along = [SHAPE[axis] if one == axis else 1 for one in range(3)]
    number = np.broadcast_to(np.arange(SHAPE[axis]).reshape(along), SHAPE)
    image = np.stack([number + 100 * channel for channel in range(channels)]).astype(np.float32)
    return make_resident_case("slices", image, (number % 3).astype(np.uint8), plain_heads(3), CPU)


def batch_at(case: TrainingCase, geometry: PatchGeometry, slice_number: int, cut: Cut | None = None):
    start = [3, 4, 5]
    start[geometry.slice_axis] = slice_number
    sample = SampleParameters(patch=place_at(*start), cut=cut or Cut(), changes=(None,))
    rules = make_rules(geometry, Choice(name="none"))
    return make_batch(BatchParameters(samples=(sample,)), [case], rules)


def test_a_network_sees_its_own_slice_first_then_those_beside_it_outwards() -> None:
    assert list_offsets(0) == (0,)
    assert list_offsets(2) == (0, -1, 1, -2, 2)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_channels_are_those_of_each_slice_in_turn_and_the_label_is_of_its_own(axis: int) -> None:
    images, labels = batch_at(slices_of(axis), geometry_of(axis), 7)
    assert images.shape == (1, 10, 8, 8)
    assert images[0, :, 0, 0].tolist() == [7, 107, 6, 106, 8, 108, 5, 105, 9, 109]
    assert (labels == 7 % 3).all()


@pytest.mark.parametrize(("own", "seen"), [(0, [0, 0, 1, 0, 2]), (1, [1, 0, 2, 0, 3]), (13, [13, 12, 13, 11, 13])])
def test_beyond_the_scan_its_outermost_slice_is_seen_again(own: int, seen: list[int]) -> None:
    images, _ = batch_at(slices_of(channels=1), geometry_of(), own)
    assert images[0, :, 0, 0].tolist() == seen
    turned = Cut(spatial=Spatial(angles_deg=(0.0, 0.0, 20.0), scales=(0.8, 0.8, 1.0)))
    images, _ = batch_at(slices_of(channels=1), geometry_of(), own, turned)
    # Interpolation in float32 at the exact place of a slice.
    assert images[0, :, 4, 4].tolist() == pytest.approx(seen, abs=1e-4)


@pytest.mark.parametrize("own", [0, 5, 13])
def test_training_and_prediction_see_the_same(own: int) -> None:
    case = make_case(SHAPE, channels=2)
    images, _ = batch_at(case, geometry_of(), own)
    configuration = replace(tiny_configuration(2), neighbours=2)
    tile = cut_seen(case.voxels.image.float(), (3, 4, own), configuration)
    assert torch.equal(tile.squeeze(-1), images[0])


def test_cases_on_the_disk_give_the_same(tmp_path) -> None:
    case = make_case(SHAPE)
    there, _ = batch_at(store_case(case, tmp_path), geometry_of(), 1)
    assert torch.equal(there, batch_at(case, geometry_of(), 1)[0])


def test_masks_of_another_configuration_stand_behind_the_images_of_their_slice() -> None:
    marked = with_masks(slices_of(channels=1), plain_heads(3), two_blocks())
    images, _ = batch_at(marked, geometry_of(neighbours=1), 2)
    assert images.shape[1] == 9, "three slices with a scan and two labels each"
    expected = two_blocks()[3:11, 4:12]
    for place, number in enumerate((2, 1, 3)):
        assert (images[0, 3 * place] == number).all()
        for label in (1, 2):
            assert np.array_equal(images[0, 3 * place + label].numpy(), expected[..., number] == label)


def test_all_slices_are_deformed_alike() -> None:
    image = np.broadcast_to(np.random.default_rng(0).normal(size=SHAPE[:2])[..., None], SHAPE)
    case = make_resident_case("same", image[None], np.zeros(SHAPE, dtype=np.uint8), plain_heads(3), CPU)
    displacements = np.random.default_rng(1).normal(0, 1.5, (3, 7, 7, 4))
    displacements[2] = 0
    elastic = Elastic(displacements=tuple(displacements.ravel().tolist()), points=(7, 7, 4))
    images, _ = batch_at(case, geometry_of(), 6, Cut(spatial=Spatial(elastic=elastic)))
    assert not torch.equal(images[0, 0], torch.from_numpy(image[3:11, 4:12, 6].astype(np.float32)))
    # The same coordinates, but rounded in float32 along the sliced axis.
    assert torch.allclose(images[0], images[0, :1].expand(5, -1, -1), atol=1e-4)


LIGHT = ("brightness_probability", "contrast_probability", "gamma_probability")


@pytest.mark.parametrize(("changed", "alike"), [(LIGHT, True), (("noise_probability",), False)])
def test_intensities_change_alike_over_slices_but_for_noise(changed: tuple[str, ...], alike: bool) -> None:
    image = np.broadcast_to(np.random.default_rng(0).normal(size=SHAPE[:2])[..., None], SHAPE)
    case = make_resident_case("same", image[None], np.zeros(SHAPE, dtype=np.uint8), plain_heads(3), CPU)
    chances = dict.fromkeys(BUSY, 0.0) | dict.fromkeys(changed, 1.0)
    rules = make_rules(geometry_of(), standard(**chances, mirror=False))
    images, _ = make_batch(sample_batch(np.random.default_rng(3), [case], rules), [case], rules)
    assert torch.allclose(images[0], images[0, :1].expand(5, -1, -1), atol=1e-5) is alike
