from __future__ import annotations

import numpy as np
import pytest
import torch

from autoseg.sampling import hold_voxels, make_resident_case
from autoseg.sampling.cases.training_case import FOREGROUND_VOXELS
from tests.autoseg.sampling.builders import CPU, make_case, make_empty_case
from tests.synthetic.heads import plain_heads, plain_scheme, region_scheme


def test_foreground_voxels_carry_their_class() -> None:
    case = make_case(classes=3)
    for index, voxels in enumerate(case.foreground, start=1):
        assert len(voxels) > 0
        assert set(case.voxels.maps[0].numpy()[tuple(voxels.T)].tolist()) == {index}


def test_a_class_that_is_absent_has_no_voxels() -> None:
    assert [len(voxels) for voxels in make_empty_case().foreground] == [0, 0]


def test_ignored_voxels_are_not_foreground() -> None:
    label = np.full((4, 4, 4), 3, dtype=np.uint8)
    label[0, 0, 0] = 1
    case = make_resident_case("ignored", np.zeros((1, 4, 4, 4)), label, plain_scheme(2, ignore_value=9).heads(), CPU)
    assert [len(voxels) for voxels in case.foreground] == [1, 0]
    assert case.annotated is not None
    assert case.annotated.tolist() == [[0, 0, 0]]


def test_a_case_without_ignored_voxels_is_annotated_everywhere() -> None:
    label = np.ones((4, 4, 4), dtype=np.uint8)
    heads = plain_scheme(2, ignore_value=9).heads()
    assert make_resident_case("a", np.zeros((1, 4, 4, 4)), label, heads, CPU).annotated is None


def test_regions_have_the_voxels_of_all_their_labels() -> None:
    label = np.arange(27, dtype=np.uint8).reshape(3, 3, 3) % 3
    case = make_resident_case("a", np.zeros((1, 3, 3, 3)), label, region_scheme().heads(), CPU)
    whole, core = (set(label[tuple(voxels.T)].tolist()) for voxels in case.foreground)
    assert (whole, core) == ({1, 2}, {2})


def test_many_voxels_are_thinned_in_the_same_way_for_the_same_name() -> None:
    label = np.ones((30, 30, 30), dtype=np.uint8)
    image = np.zeros((1, 30, 30, 30), dtype=np.float32)
    first, again, other = (
        make_resident_case(name, image, label, plain_heads(2), CPU).foreground[0] for name in ("a", "a", "b")
    )
    assert len(np.unique(first, axis=0)) == FOREGROUND_VOXELS
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("highest", "kind"), [(5.0, torch.float16), (4000.0, torch.float32)])
def test_half_precision_is_used_where_the_values_allow_it(highest: float, kind: torch.dtype) -> None:
    image = np.full((1, 4, 4, 4), highest)
    assert hold_voxels(image, np.zeros((4, 4, 4), dtype=np.uint8), CPU).image.dtype == kind


def test_lesions_are_components_of_a_label_or_region_whatever_its_size() -> None:
    label = np.zeros((30, 12, 12), dtype=np.uint8)
    label[2, 2, 2] = 1
    label[10:20, :10, :10] = 2
    label[3, 3, 3] = 2  # touches the first by a corner, but is another label
    heads = plain_scheme(2).heads()
    case = make_resident_case("a", np.zeros((1, *label.shape)), label, heads, CPU, find_lesions=True)
    assert [lesions.sizes.tolist() for lesions in case.lesions] == [[1], [1, 1000]]
    assert [len(voxels) for voxels in case.lesions[1].voxels] == [1, 200]
    assert all((label[tuple(voxels.T)] == 2).all() for voxels in case.lesions[1].voxels)
    empty = make_resident_case("e", np.zeros((1, 4, 4, 4)), np.zeros((4, 4, 4)), heads, CPU, find_lesions=True)
    assert [lesions.sizes.tolist() for lesions in empty.lesions] == [[], []]
