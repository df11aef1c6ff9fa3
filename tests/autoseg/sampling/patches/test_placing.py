from __future__ import annotations

import numpy as np
import pytest
import torch

from autoseg.sampling import PatchGeometry, TrainingCase, make_resident_case
from autoseg.sampling.patches.case_choice import UniformChooser
from autoseg.sampling.patches.fixed_places import CropsPlacer
from autoseg.sampling.patches.geometry import Patch, copy_box
from autoseg.sampling.patches.placing import ForegroundPlacer
from planners.parts.patches import CropsOnMaskOptions, ForegroundOptions
from tests.autoseg.sampling.builders import CPU, make_case, make_empty_case, make_geometry
from tests.synthetic.heads import plain_scheme

NO_FLIPS = (False, False, False)


def draw(
    rng: np.random.Generator, cases: list[TrainingCase], geometry: PatchGeometry, **options: float
) -> tuple[Patch, ...]:
    """Patches of which a third hold foreground, with the options named."""
    values = {"foreground_share": 0.33, "jitter_share": 0.5}
    placer = ForegroundPlacer(ForegroundOptions(**(values | options)))
    return placer.place(rng, cases, UniformChooser(), geometry)


@pytest.mark.parametrize(
    ("share", "batch", "expected"), [(0.0, 4, 0), (0.01, 4, 1), (0.5, 4, 2), (0.33, 9, 3), (1, 2, 2)]
)
def test_the_share_of_forced_patches_is_rounded_but_never_to_none(share: float, batch: int, expected: int) -> None:
    geometry = make_geometry(batch_size=batch)
    assert ForegroundPlacer(ForegroundOptions(foreground_share=share)).forced_patches(batch) == expected
    patches = draw(np.random.default_rng(0), [make_case(), make_empty_case()], geometry, foreground_share=share)
    assert len(patches) == batch
    assert sum(patch.target > 0 for patch in patches) == expected


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("slice_axis", [-1, 0, 2])
def test_a_forced_patch_holds_its_class(jitter: float, slice_axis: int) -> None:
    shape = tuple(1 if axis == slice_axis else edge for axis, edge in enumerate((12, 40, 5)))
    geometry = make_geometry(patch_shape=shape, slice_axis=slice_axis)
    cases = [make_empty_case(), make_case(seed=1), make_case(seed=2, classes=2)]
    rng = np.random.default_rng(0)
    options = {"foreground_share": 1.0, "jitter_share": jitter}
    for patch in (patch for _ in range(30) for patch in draw(rng, cases, geometry, **options)):
        label = torch.zeros(geometry.patch_shape, dtype=torch.uint8)
        copy_box(cases[patch.case].voxels.maps[0], patch.start, NO_FLIPS, label)
        assert patch.target in label.unique().tolist()


def test_forced_patches_are_spread_over_cases_and_classes_alike() -> None:
    cases = [make_case(seed=seed) for seed in range(2)]
    geometry = make_geometry(batch_size=400)
    patches = draw(np.random.default_rng(0), cases, geometry, foreground_share=1.0)
    counts = [sum((p.case, p.target) == (case, index) for p in patches) for case in (0, 1) for index in (1, 2)]
    # 100 expected; four standard deviations of the binomial distribution are 35.
    assert all(abs(count - 100) < 35 for count in counts)


def test_without_jitter_the_voxel_is_in_the_middle() -> None:
    case = make_case(shape=(40, 40, 40))
    geometry = make_geometry(patch_shape=(4, 4, 4), batch_size=50)
    for patch in draw(np.random.default_rng(0), [case], geometry, foreground_share=1.0, jitter_share=0.0):
        middle = np.clip(np.array(patch.start) + 2, 0, 39)
        at_border = any(start in (0, 36) for start in patch.start)
        assert at_border or case.voxels.maps[0][tuple(middle)] == patch.target


def test_full_jitter_puts_the_voxel_anywhere_in_the_patch() -> None:
    case = make_case(shape=(41, 41, 41), classes=1)
    voxels = (np.array([[20, 20, 20]], dtype=np.int32),)
    lone = type(case)(name="lone", voxels=case.voxels, labels=(1,), foreground=voxels)
    geometry = make_geometry(patch_shape=(4, 5, 6), batch_size=300)
    patches = draw(np.random.default_rng(0), [lone], geometry, foreground_share=1.0, jitter_share=1.0)
    starts = np.array([patch.start for patch in patches])
    assert [set((20 - column).tolist()) for column in starts.T] == [set(range(edge)) for edge in (4, 5, 6)]


def test_patches_stay_inside_of_a_larger_case_and_reach_its_border() -> None:
    case = make_case(shape=(20, 24, 18))
    geometry = make_geometry(batch_size=300)
    starts = np.array([patch.start for patch in draw(np.random.default_rng(0), [case], geometry, foreground_share=0.0)])
    np.testing.assert_array_equal(starts.min(axis=0), 0)
    np.testing.assert_array_equal(starts.max(axis=0), np.array(case.voxels.maps[0].shape) - geometry.patch_shape)


def test_a_case_smaller_than_the_patch_is_centred() -> None:
    geometry = make_geometry(patch_shape=(26, 24, 31))
    patches = draw(np.random.default_rng(0), [make_case(shape=(20, 24, 18))], geometry, foreground_share=0.5)
    assert {patch.start for patch in patches} == {(-3, 0, -7)}


def test_without_any_foreground_all_patches_are_random() -> None:
    geometry = make_geometry()
    patches = draw(np.random.default_rng(0), [make_empty_case()], geometry, foreground_share=1.0)
    assert [patch.target for patch in patches] == [0] * 4


def test_patches_drawn_anywhere_hold_a_voxel_that_somebody_labelled() -> None:
    label = np.full((40, 40, 40), 3, dtype=np.uint8)
    label[5:7, 30:33, 12] = 0
    image = np.zeros((1, *label.shape))
    case = make_resident_case("sparse", image, label, plain_scheme(2, ignore_value=9).heads(), CPU)
    geometry = make_geometry(patch_shape=(6, 6, 6), batch_size=60)
    for patch in draw(np.random.default_rng(0), [case], geometry, foreground_share=0.0):
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
    geometry = make_geometry(patch_shape=(1, 1, 1), batch_size=3000)
    patches = draw(
        np.random.default_rng(0), [case], geometry, foreground_share=1.0, jitter_share=0.0, lesion_balance=balance
    )
    found = np.bincount([patch.start[0] // 20 for patch in patches], minlength=3) / 3000
    weights = np.array([1.0, 27.0, 729.0]) ** (1 - balance)
    # Four standard deviations of a share of 3,000 draws are at most 0.037.
    np.testing.assert_allclose(found, weights / weights.sum(), atol=0.037)


def test_a_balanced_patch_holds_its_lesion_of_one_voxel() -> None:
    case = make_case_with_lesions(1, 9)
    geometry = make_geometry(patch_shape=(5, 4, 3))
    rng = np.random.default_rng(0)
    options = {"foreground_share": 1.0, "jitter_share": 1.0, "lesion_balance": 1.0}
    for patch in (patch for _ in range(20) for patch in draw(rng, [case], geometry, **options)):
        label = torch.zeros(geometry.patch_shape, dtype=torch.uint8)
        copy_box(case.voxels.maps[0], patch.start, NO_FLIPS, label)
        assert label.any()


def test_without_balance_lesions_are_drawn_as_if_they_were_not_separated() -> None:
    geometry = make_geometry()
    separated = make_case_with_lesions(2, 5)
    joined = make_resident_case(
        "lesions", separated.voxels.image.numpy(), separated.voxels.maps[0].numpy(), plain_scheme(1).heads(), CPU
    )
    first, second = (
        draw(np.random.default_rng(1), [case], geometry, foreground_share=1.0, lesion_balance=0.0)
        for case in (separated, joined)
    )
    assert first == second


class CountedCases(tuple[TrainingCase, ...]):
    """Cases that count how often all of them are gone through."""

    passes = 0

    def __iter__(self):
        type(self).passes += 1
        return super().__iter__()


PLACERS = {
    "foreground": ForegroundPlacer(ForegroundOptions(foreground_share=0.5)),
    "crops_on_mask": CropsPlacer(CropsOnMaskOptions(count=4), (3, 1)),
}


@pytest.mark.parametrize("name", PLACERS)
def test_labelled_cases_are_looked_for_once_in_all_batches_and_drawn_alike(name: str) -> None:
    cases, geometry, placer = [make_empty_case(), make_case(seed=1), make_case(seed=2)], make_geometry(), PLACERS[name]
    fixed = CountedCases(cases)
    CountedCases.passes = 0
    for seed in range(5):
        kept = placer.place(np.random.default_rng(seed), fixed, UniformChooser(), geometry)
        # A list may change, and is gone through each time.
        assert kept == placer.place(np.random.default_rng(seed), list(cases), UniformChooser(), geometry)
    assert CountedCases.passes == 1
