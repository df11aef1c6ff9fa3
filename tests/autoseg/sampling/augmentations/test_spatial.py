from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from autoseg.sampling import ResidentVoxels
from autoseg.sampling.augmentations.spatial import (
    Spatial,
    apply_spatial,
    find_box,
    find_fixed_axis,
    is_elongated_slice,
    sample_spatial,
)
from autoseg.sampling.augmentations.standard import StandardAugmenter
from autoseg.sampling.patches.geometry import copy_box
from planners.parts.augmentations import StandardOptions
from tests.autoseg.sampling.builders import CPU, interpolate, make_case, make_geometry, place_at

# float32 coordinates of a 20-voxel box are off by up to 1e-5 voxels, the values by that times their slope.
INTERPOLATION = {"rtol": 0.0, "atol": 1e-4}
ALL_FLIPS = list(itertools.product((False, True), repeat=3))


def cut(start: tuple[int, int, int], shape: tuple[int, int, int], **spatial: Any) -> tuple[np.ndarray, np.ndarray]:
    geometry = make_geometry(patch_shape=shape, batch_size=1)
    patch, change = place_at(*start), Spatial(**spatial)
    cutouts = [make_case(channels=2).cut(*find_box(patch, change, shape))]
    images, labels = apply_spatial([(patch, change)], cutouts, geometry, CPU)
    return images[0].numpy(), labels[0, 0].numpy()


@pytest.mark.parametrize("flips", ALL_FLIPS)
def test_mirroring_alone_is_exact(flips: tuple[bool, bool, bool]) -> None:
    images, labels = cut((-2, 5, 9), (9, 10, 12))
    flipped_images, flipped_labels = cut((-2, 5, 9), (9, 10, 12), flips=flips)
    axes = [axis for axis in range(3) if flips[axis]]
    np.testing.assert_array_equal(flipped_images, np.flip(images, [1 + axis for axis in axes]))
    np.testing.assert_array_equal(flipped_labels, np.flip(labels, axes))


@pytest.mark.parametrize("flips", [(False, False, False), (True, False, True)])
@pytest.mark.parametrize("shape", [(9, 10, 12), (1, 10, 12), (30, 8, 8)])
def test_interpolating_without_a_change_gives_the_slice(
    shape: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    case, start = make_case(channels=2), (-2, 5, 9)
    images, labels = interpolate([(place_at(*start), Spatial(flips=flips))], case, shape)
    expected, classes = torch.zeros((2, *shape)), torch.zeros(shape)
    copy_box(case.voxels.image, start, flips, expected)
    copy_box(case.voxels.maps[0], start, flips, classes)
    torch.testing.assert_close(images[0], expected, **INTERPOLATION)
    torch.testing.assert_close(labels[0, 0], classes, rtol=0, atol=0)


@pytest.mark.parametrize(("axis", "plane"), [(0, (1, 2)), (1, (0, 2)), (2, (0, 1))])
def test_a_quarter_turn_equals_rot90(axis: int, plane: tuple[int, int]) -> None:
    angles = tuple(90.0 if other == axis else 0.0 for other in range(3))
    images, labels = cut((4, 6, 3), (11, 11, 11))
    turned_images, turned_labels = cut((4, 6, 3), (11, 11, 11), angles_deg=angles)
    # The patch's content turns against the positions it is read from, which turn from the first axis to the second.
    expected = np.rot90(images, -1, axes=(1 + plane[0], 1 + plane[1]))
    np.testing.assert_allclose(turned_images, expected, **INTERPOLATION)
    np.testing.assert_array_equal(turned_labels, np.rot90(labels, -1, axes=plane))


def test_any_rotation_and_scale_equals_scipy() -> None:
    case, shape, start = make_case(channels=1), (8, 9, 7), (6, 8, 5)
    spatial = Spatial(angles_deg=(10.0, -25.0, 17.0), scales=(1.2, 1.2, 1.2), flips=(False, True, False))
    images, _ = interpolate([(place_at(*start), spatial)], case, shape)
    half = (np.array(shape) - 1) / 2
    offset = np.array(start) + half - spatial.matrix() @ half
    whole = case.voxels.image[0].numpy().astype(np.float64)
    expected = ndimage.affine_transform(whole, spatial.matrix(), offset, shape, order=1, mode="grid-constant")
    np.testing.assert_allclose(images[0, 0].numpy(), expected, **INTERPOLATION)


def test_patches_of_different_boxes_share_a_batch() -> None:
    case, shape = make_case(seed=3), (8, 9, 7)
    places = [
        (place_at(-4, 2, 3), Spatial(angles_deg=(30.0, 0.0, 0.0))),
        (place_at(9, 9, 9), Spatial(scales=(1.4, 1.4, 1.4))),
        (place_at(3, 12, 1), Spatial(scales=(0.7, 0.7, 0.7), flips=(True, False, False))),
    ]
    images, labels = interpolate(places, case, shape)
    for row, place in enumerate(places):
        image, label = interpolate([place], case, shape)
        torch.testing.assert_close(images[row], image[0], **INTERPOLATION)
        torch.testing.assert_close(labels[row], label[0], rtol=0, atol=0)


def test_a_scale_above_one_shows_more_of_the_case() -> None:
    ramp = torch.arange(20.0).reshape(1, 20, 1, 1).expand(1, 20, 24, 18)
    case = make_case()
    voxels = ResidentVoxels(image=ramp, maps=case.voxels.maps)
    ramped = type(case)(name="ramp", voxels=voxels, labels=case.labels, foreground=case.foreground)
    images, _ = interpolate([(place_at(6, 8, 5), Spatial(scales=(1.5, 1.0, 1.0)))], ramped, (9, 4, 4))
    np.testing.assert_allclose(images[0, 0, :, 0, 0].numpy(), 10 + 1.5 * np.arange(-4, 5), **INTERPOLATION)


@pytest.mark.parametrize(
    ("shape", "slice_axis", "expected"),
    [((64, 64, 64), -1, -1), ((64, 192, 64), -1, -1), ((64, 64, 20), -1, 2), ((1, 64, 64), 0, 0)],
)
def test_the_sliced_or_the_short_axis_is_left_alone(
    shape: tuple[int, int, int], slice_axis: int, expected: int
) -> None:
    assert find_fixed_axis(shape, slice_axis) == expected


def test_only_long_slices_count_as_elongated() -> None:
    assert is_elongated_slice((64, 1, 100), 1)
    assert not is_elongated_slice((64, 1, 96), 1)
    assert not is_elongated_slice((64, 64, 100), -1)


@pytest.mark.parametrize(
    ("shape", "slice_axis", "limits"),
    [
        ((64, 64, 64), -1, (30.0, 30.0, 30.0)),
        ((20, 64, 64), -1, (180.0, 0.0, 0.0)),
        ((64, 64, 1), 2, (0.0, 0.0, 180.0)),
        ((64, 1, 100), 1, (0.0, 15.0, 0.0)),
    ],
)
def test_rotations_stay_within_the_limits_of_the_patch_shape(
    shape: tuple[int, int, int], slice_axis: int, limits: tuple[float, float, float]
) -> None:
    augmenter = StandardAugmenter(StandardOptions())
    ranges = augmenter.spatial_ranges(make_geometry(patch_shape=shape, slice_axis=slice_axis))
    assert ranges.angles_deg == limits
    rng = np.random.default_rng(0)
    drawn = [sample_spatial(rng, ranges) for _ in range(1000)]
    angles, scales = (np.array([getattr(one, name) for one in drawn]) for name in ("angles_deg", "scales"))
    flips = np.array([one.flips for one in drawn])
    free = [find_fixed_axis(shape, slice_axis) != axis for axis in range(3)]
    assert np.all(np.abs(angles) <= limits)
    # About 200 draws turn: the largest of them lies within a tenth of the limit.
    assert np.all(np.abs(angles).max(axis=0) >= 0.9 * np.array(limits))
    assert np.all((scales == 1) | (np.array(free) & (scales >= 0.7) & (scales <= 1.4)))
    # Five standard deviations: 0.063 for a share of 0.2 of 1000, 0.08 for a half.
    assert abs(np.any(angles != 0, axis=1).mean() - 0.2) < 0.063
    assert abs(np.any(scales != 1, axis=1).mean() - 0.2) < 0.063
    seen = np.array([axis != slice_axis for axis in range(3)])
    assert np.all(np.abs(flips.mean(axis=0) - 0.5 * seen) < 0.08)
