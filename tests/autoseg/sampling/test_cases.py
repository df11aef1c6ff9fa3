from __future__ import annotations

import numpy as np
import pytest
import torch

from autoseg.sampling import make_resident_case
from autoseg.sampling.cases import FOREGROUND_VOXELS
from tests.autoseg.sampling.builders import CPU, make_case, make_empty_case
from tests.synthetic.heads import plain_heads, plain_scheme, region_scheme


def test_foreground_voxels_carry_their_class() -> None:
    case = make_case(classes=3)
    for index, voxels in enumerate(case.foreground, start=1):
        assert len(voxels) > 0
        assert set(case.label.numpy()[tuple(voxels.T)].tolist()) == {index}


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
    assert make_resident_case("a", image, np.zeros((4, 4, 4), dtype=np.uint8), plain_heads(2), CPU).image.dtype == kind
