from __future__ import annotations

import numpy as np
import pytest
import torch

from autoseg.sampling import TrainingCase, make_resident_case
from autoseg.sampling.patches import copy_box, sample_patches
from tests.autoseg.sampling.builders import CPU, make_case, make_empty_case, make_geometry
from tests.synthetic.heads import plain_scheme

NO_FLIPS = (False, False, False)


@pytest.mark.parametrize(
    ("share", "batch", "expected"), [(0.0, 4, 0), (0.01, 4, 1), (0.5, 4, 2), (0.33, 9, 3), (1, 2, 2)]
)
def test_the_share_of_forced_patches_is_rounded_but_never_to_none(share: float, batch: int, expected: int) -> None:
    geometry = make_geometry(foreground_share=share, batch_size=batch)
    assert geometry.forced_patches() == expected
    patches = sample_patches(np.random.default_rng(0), [make_case(), make_empty_case()], geometry)
    assert len(patches) == batch
    assert sum(patch.target > 0 for patch in patches) == expected


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("slice_axis", [-1, 0, 2])
def test_a_forced_patch_holds_its_class(jitter: float, slice_axis: int) -> None:
    shape = tuple(1 if axis == slice_axis else edge for axis, edge in enumerate((12, 40, 5)))
    geometry = make_geometry(patch_shape=shape, slice_axis=slice_axis, foreground_share=1.0, jitter_share=jitter)
    cases = [make_empty_case(), make_case(seed=1), make_case(seed=2, classes=2)]
    rng = np.random.default_rng(0)
    for patch in (patch for _ in range(30) for patch in sample_patches(rng, cases, geometry)):
        label = torch.zeros(geometry.patch_shape, dtype=torch.uint8)
        copy_box(cases[patch.case].voxels.maps[0], patch.start, NO_FLIPS, label)
        assert patch.target in label.unique().tolist()


def test_forced_patches_are_spread_over_cases_and_classes_alike() -> None:
    cases = [make_case(seed=seed) for seed in range(2)]
    geometry = make_geometry(foreground_share=1.0, batch_size=400)
    patches = sample_patches(np.random.default_rng(0), cases, geometry)
    counts = [sum((p.case, p.target) == (case, index) for p in patches) for case in (0, 1) for index in (1, 2)]
    # 100 expected; four standard deviations of the binomial distribution are 35.
    assert all(abs(count - 100) < 35 for count in counts)


def test_without_jitter_the_voxel_is_in_the_middle() -> None:
    case = make_case(shape=(40, 40, 40))
    geometry = make_geometry(patch_shape=(4, 4, 4), foreground_share=1.0, jitter_share=0.0, batch_size=50)
    for patch in sample_patches(np.random.default_rng(0), [case], geometry):
        middle = np.clip(np.array(patch.start) + 2, 0, 39)
        at_border = any(start in (0, 36) for start in patch.start)
        assert at_border or case.voxels.maps[0][tuple(middle)] == patch.target


def test_full_jitter_puts_the_voxel_anywhere_in_the_patch() -> None:
    case = make_case(shape=(41, 41, 41), classes=1)
    voxels = (np.array([[20, 20, 20]], dtype=np.int32),)
    lone = type(case)(name="lone", voxels=case.voxels, labels=(1,), foreground=voxels)
    geometry = make_geometry(patch_shape=(4, 5, 6), foreground_share=1.0, jitter_share=1.0, batch_size=300)
    starts = np.array([patch.start for patch in sample_patches(np.random.default_rng(0), [lone], geometry)])
    assert [set((20 - column).tolist()) for column in starts.T] == [set(range(edge)) for edge in (4, 5, 6)]


def test_patches_stay_inside_of_a_larger_case_and_reach_its_border() -> None:
    case = make_case(shape=(20, 24, 18))
    geometry = make_geometry(foreground_share=0.0, batch_size=300)
    starts = np.array([patch.start for patch in sample_patches(np.random.default_rng(0), [case], geometry)])
    np.testing.assert_array_equal(starts.min(axis=0), 0)
    np.testing.assert_array_equal(starts.max(axis=0), np.array(case.voxels.maps[0].shape) - geometry.patch_shape)


def test_a_case_smaller_than_the_patch_is_centred() -> None:
    geometry = make_geometry(patch_shape=(26, 24, 31), foreground_share=0.5)
    patches = sample_patches(np.random.default_rng(0), [make_case(shape=(20, 24, 18))], geometry)
    assert {patch.start for patch in patches} == {(-3, 0, -7)}


def test_without_any_foreground_all_patches_are_random() -> None:
    geometry = make_geometry(foreground_share=1.0)
    patches = sample_patches(np.random.default_rng(0), [make_empty_case()], geometry)
    assert [patch.target for patch in patches] == [0] * 4


@pytest.mark.parametrize("flips", [NO_FLIPS, (True, False, True), (True, True, True)])
@pytest.mark.parametrize("start", [(-3, 2, 10), (15, -20, 4), (-2, -1, -3), (40, 0, 0)])
def test_a_box_equals_the_padded_slice(start: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> None:
    case, edges, margin = make_case(channels=2), (8, 30, 11), 60
    padded = np.pad(case.voxels.image.numpy(), ((0, 0), *[(margin, margin)] * 3))
    box = padded[(..., *(slice(s + margin, s + margin + edge) for s, edge in zip(start, edges, strict=True)))]
    expected = np.flip(box, [1 + axis for axis in range(3) if flips[axis]])
    target = torch.zeros((2, *edges))
    copy_box(case.voxels.image, start, flips, target)
    np.testing.assert_array_equal(target.numpy(), expected.astype(np.float32))


def test_patches_drawn_anywhere_hold_a_voxel_that_somebody_labelled() -> None:
    label = np.full((40, 40, 40), 3, dtype=np.uint8)
    label[5:7, 30:33, 12] = 0
    image = np.zeros((1, *label.shape))
    case = make_resident_case("sparse", image, label, plain_scheme(2, ignore_value=9).heads(), CPU)
    geometry = make_geometry(patch_shape=(6, 6, 6), foreground_share=0.0, batch_size=60)
    for patch in sample_patches(np.random.default_rng(0), [case], geometry):
        cut = torch.full((6, 6, 6), 3, dtype=torch.uint8)
        copy_box(case.voxels.maps[0], patch.start, NO_FLIPS, cut)
        assert (cut == 0).any()


def make_case_with_lesions(*edges: int) -> TrainingCase:
    """A case of one label with cubes of these edges, well apart."""
    label = np.zeros((60, 20, 20), dtype=np.uint8)
    for index, edge in enumerate(edges):
        label[20 * index : 20 * index + edge, :edge, :edge] = 1
    return make_resident_case(
        "lesions", np.zeros((1, *label.shape)), label, plain_scheme(1).heads(), CPU, find_lesions=True
    )


@pytest.mark.parametrize("balance", [0.25, 0.5, 1.0])
def test_lesions_are_drawn_by_a_power_of_their_size(balance: float) -> None:
    case = make_case_with_lesions(1, 3, 9)
    geometry = make_geometry(
        patch_shape=(1, 1, 1), foreground_share=1.0, jitter_share=0.0, batch_size=3000, lesion_balance=balance
    )
    patches = sample_patches(np.random.default_rng(0), [case], geometry)
    found = np.bincount([patch.start[0] // 20 for patch in patches], minlength=3) / 3000
    weights = np.array([1.0, 27.0, 729.0]) ** (1 - balance)
    # Four standard deviations of a share of 3,000 draws are at most 0.037.
    np.testing.assert_allclose(found, weights / weights.sum(), atol=0.037)


def test_a_balanced_patch_holds_its_lesion_of_one_voxel() -> None:
    case = make_case_with_lesions(1, 9)
    geometry = make_geometry(patch_shape=(5, 4, 3), foreground_share=1.0, jitter_share=1.0, lesion_balance=1.0)
    rng = np.random.default_rng(0)
    for patch in (patch for _ in range(20) for patch in sample_patches(rng, [case], geometry)):
        label = torch.zeros(geometry.patch_shape, dtype=torch.uint8)
        copy_box(case.voxels.maps[0], patch.start, NO_FLIPS, label)
        assert label.any()


def test_without_balance_lesions_are_drawn_as_if_they_were_not_told_apart() -> None:
    geometry = make_geometry(foreground_share=1.0, lesion_balance=0.0)
    told = make_case_with_lesions(2, 5)
    untold = make_resident_case(
        "lesions", told.voxels.image.numpy(), told.voxels.maps[0].numpy(), plain_scheme(1).heads(), CPU
    )
    first, second = (sample_patches(np.random.default_rng(1), [case], geometry) for case in (told, untold))
    assert first == second
