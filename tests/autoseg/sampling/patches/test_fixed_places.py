"""Boxes of a grid, and crops on masks that are drawn once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from autoseg.sampling import PatchGeometry, TrainingCase, make_resident_case
from autoseg.sampling.patches.case_choice import UniformChooser
from autoseg.sampling.patches.fixed_places import CropsPlacer, GridPlacer, list_boxes
from autoseg.sampling.patches.geometry import copy_box
from autoseg.sampling.patches.placing import build_placer
from dataset_fingerprints.errors import PlanError
from planners.choices import Choice
from planners.parts.patches import CropsOnMaskOptions, GridOptions
from tests.autoseg.sampling.builders import CPU, make_case, make_empty_case, make_geometry
from tests.synthetic.heads import plain_scheme

NO_FLIPS = (False, False, False)
SEED = (3, 1)


def grid(case: TrainingCase, parts: tuple[int, int, int], geometry: PatchGeometry) -> list[tuple[int, int, int]]:
    return list_boxes(case, parts, geometry)


def count_covers(case: TrainingCase, parts: tuple[int, int, int], geometry: PatchGeometry) -> np.ndarray:
    """Return per voxel of a case in how many boxes it lies."""
    covers = torch.zeros(case.voxels.shape, dtype=torch.int64)
    for start in grid(case, parts, geometry):
        low = [max(first, 0) for first in start]
        high = [first + edge for first, edge in zip(start, geometry.patch_shape, strict=True)]
        covers[tuple(slice(*ends) for ends in zip(low, high, strict=True))] += 1
    return covers.numpy()


def test_a_scan_of_twice_the_patch_is_eight_boxes_side_by_side() -> None:
    """As 352x416x192 of eight boxes of 176x208x96."""
    case, geometry = make_case(shape=(22, 26, 12)), make_geometry(patch_shape=(11, 13, 6))
    expected = {(x, y, z) for x in (0, 11) for y in (0, 13) for z in (0, 6)}
    assert set(grid(case, (2, 2, 2), geometry)) == expected
    assert (count_covers(case, (2, 2, 2), geometry) == 1).all()


@pytest.mark.parametrize("shape", [(20, 24, 18), (21, 23, 9), (10, 14, 20), (3, 5, 4)])
@pytest.mark.parametrize("parts", [(2, 2, 2), (3, 1, 2), (1, 1, 1)])
def test_no_voxel_lies_in_two_boxes_and_every_box_holds_a_voxel(
    shape: tuple[int, int, int], parts: tuple[int, int, int]
) -> None:
    case, geometry = make_empty_case(shape), make_geometry(patch_shape=(12, 14, 10))
    covers = count_covers(case, parts, geometry)
    assert covers.max() == 1
    for start in grid(case, parts, geometry):
        assert all(
            -edge < first < length for first, edge, length in zip(start, geometry.patch_shape, shape, strict=True)
        )
    # All of it is covered along the axes where the boxes reach its length.
    reached = [count * edge >= length for count, edge, length in zip(parts, geometry.patch_shape, shape, strict=True)]
    assert (covers == 1).all() == all(reached)


def test_what_a_box_lacks_is_padded() -> None:
    case, geometry = make_case(shape=(20, 14, 10)), make_geometry(patch_shape=(12, 14, 10))
    first, last = grid(case, (2, 1, 1), geometry)
    assert (first, last) == ((-2, 0, 0), (10, 0, 0))
    copied = torch.full((12, 14, 10), 9, dtype=torch.uint8)
    copy_box(case.voxels.maps[0], first, NO_FLIPS, copied)
    assert (copied[:2] == 9).all()
    assert torch.equal(copied[2:], case.voxels.maps[0][:10])


def test_all_boxes_of_all_cases_are_drawn_alike() -> None:
    cases, geometry = [make_case(seed=seed) for seed in range(2)], make_geometry(batch_size=1600)
    patches = GridPlacer(GridOptions()).place(np.random.default_rng(0), cases, UniformChooser(), geometry)
    places, counts = np.unique([(patch.case, *patch.start) for patch in patches], axis=0, return_counts=True)
    assert len(places) == 16
    # 100 expected; four standard deviations of the binomial distribution are 39.
    assert np.abs(counts - 100).max() < 39


def test_every_slice_of_a_2d_configuration_is_a_box() -> None:
    case, geometry = make_case(shape=(20, 5, 18)), make_geometry(patch_shape=(12, 1, 10), slice_axis=1)
    assert sorted({start[1] for start in grid(case, (2, 2, 2), geometry)}) == [0, 1, 2, 3, 4]


def test_boxes_that_nobody_labelled_are_left_out() -> None:
    label = np.full((24, 28, 20), 3, dtype=np.uint8)
    label[14:16, 3, 12:15] = 0
    scheme = plain_scheme(2, ignore_value=9).heads()
    case = make_resident_case("sparse", np.zeros((1, *label.shape)), label, scheme, CPU)
    assert grid(case, (2, 2, 2), make_geometry()) == [(12, 0, 10)]
    label[:] = 3
    nothing = make_resident_case("none", np.zeros((1, *label.shape)), label, scheme, CPU)
    assert len(grid(nothing, (2, 2, 2), make_geometry())) == 8


def crops(cases: list[TrainingCase], count: int, geometry: PatchGeometry, seed: tuple[int, ...] = SEED) -> set:
    placer = CropsPlacer(CropsOnMaskOptions(count=count), seed)
    patches = placer.place(np.random.default_rng(count), cases, UniformChooser(), geometry)
    return {(patch.case, patch.start, patch.target) for patch in patches}


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_a_case_has_so_many_places_in_the_whole_training(count: int) -> None:
    cases, geometry = [make_case((60, 60, 60), seed=seed) for seed in range(3)], make_geometry(batch_size=600)
    places = crops(cases, count, geometry)
    assert [sum(place[0] == case for place in places) for case in range(3)] == [count] * 3


def test_places_of_few_crops_are_among_those_of_many() -> None:
    cases, geometry = [make_case((60, 60, 60))], make_geometry(batch_size=600)
    sets = [crops(cases, count, geometry) for count in (1, 2, 4, 8)]
    assert all(few < many for few, many in pairwise(sets))


def test_places_follow_from_seed_and_name_and_not_from_the_other_cases() -> None:
    geometry = make_geometry(batch_size=200)
    first, second = make_case((60, 60, 60), seed=1), make_case((60, 60, 60), seed=2)
    alone, beside = crops([first], 4, geometry), crops([second, first], 4, geometry)
    assert {place[1:] for place in alone} == {place[1:] for place in beside if place[0] == 1}
    assert alone != crops([first], 4, geometry, seed=(3, 2))
    assert alone != crops([replace(first, name="another")], 4, geometry)


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_every_crop_holds_its_label(jitter: float) -> None:
    cases, geometry = [make_case((40, 40, 40), classes=3, seed=seed) for seed in range(4)], make_geometry(batch_size=60)
    placer = CropsPlacer(CropsOnMaskOptions(count=8, jitter_share=jitter), SEED)
    for patch in placer.place(np.random.default_rng(0), cases, UniformChooser(), geometry):
        label = torch.zeros(geometry.patch_shape, dtype=torch.uint8)
        copy_box(cases[patch.case].voxels.maps[0], patch.start, NO_FLIPS, label)
        assert patch.target in label.unique().tolist()


def test_cases_without_labels_are_left_out_unless_there_are_no_others() -> None:
    geometry = make_geometry(batch_size=40)
    assert {place[0] for place in crops([make_empty_case(), make_case()], 2, geometry)} == {1}
    alone = crops([make_empty_case((40, 40, 40))], 2, geometry)
    assert len(alone) == 2
    assert {place[2] for place in alone} == {0}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("grid", {"parts": [2, 0, 2]}, "Expected 1 or more along each axis"),
        ("crops_on_mask", {"count": 0}, "count is 0. Expected 1 or more"),
        ("crops_on_mask", {"jitter_share": 1.5}, "Expected 0 to 1"),
    ],
)
def test_options_beyond_their_limits_are_named(name: str, options: dict, message: str) -> None:
    placer = build_placer(Choice(name=name, options=options), SEED)
    assert message in " ".join(placer.options.find_problems())  # type: ignore[attr-defined]


def test_parts_of_another_shape_are_refused() -> None:
    with pytest.raises(PlanError, match="parts"):
        build_placer(Choice(name="grid", options={"parts": [2, 2]}), SEED)
