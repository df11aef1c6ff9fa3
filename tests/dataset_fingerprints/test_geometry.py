from __future__ import annotations

import nibabel
import numpy as np
import pytest

from dataset_fingerprints.geometry import (
    Box,
    affine_distance_mm,
    canonical_grid,
    enclose,
    find_reorientation,
    from_canonical,
    make_box,
    make_grid,
    to_canonical,
)
from tests.synthetic.scans import affine_of, all_orientations

SHAPE = (3, 4, 5)


@pytest.mark.parametrize(("permutation", "flips"), all_orientations())
def test_every_orientation_becomes_canonical_as_nibabel_does_it(permutation, flips):
    affine = affine_of(permutation, flips, (1.0, 2.0, 3.0))
    array = np.arange(60).reshape(SHAPE)
    grid = make_grid(SHAPE, affine)
    expected = nibabel.as_closest_canonical(nibabel.Nifti1Image(array.astype(np.int16), affine))
    reorientation = find_reorientation(grid)
    assert np.array_equal(to_canonical(array, reorientation), np.asanyarray(expected.dataobj))
    assert np.allclose(canonical_grid(grid).matrix(), expected.affine)
    assert reorientation.code() == "".join(nibabel.aff2axcodes(affine))


@pytest.mark.parametrize(("permutation", "flips"), all_orientations())
def test_from_canonical_undoes_to_canonical(permutation, flips):
    array = np.arange(120).reshape(2, *SHAPE)
    reorientation = find_reorientation(make_grid(SHAPE, affine_of(permutation, flips, rotation_degrees=20)))
    assert np.array_equal(from_canonical(to_canonical(array, reorientation), reorientation), array)


def test_an_oblique_grid_at_45_degrees_gets_three_different_axes():
    reorientation = find_reorientation(make_grid(SHAPE, affine_of(rotation_degrees=45)))
    assert sorted(reorientation.axes) == [0, 1, 2]


def test_grids_that_differ_by_a_shift_lie_that_far_apart():
    first, second = affine_of(), affine_of()
    second[0, 3] += 2.5
    assert affine_distance_mm(make_grid(SHAPE, first), make_grid(SHAPE, second)) == pytest.approx(2.5)


def test_a_box_knows_its_shape_its_index_and_where_it_is_after_a_move():
    box = Box(start=(1, 0, 2), stop=(3, 4, 5))
    array = np.arange(4 * 6 * 9).reshape(4, 6, 9)
    assert array[box.slices()].shape == box.shape() == (2, 4, 3)
    moved = box.moved((1, 2, 3))
    assert moved == Box(start=(2, 2, 5), stop=(4, 6, 8))
    assert np.array_equal(array[1:, 2:, 3:][box.slices()], array[moved.slices()])


def test_boxes_overlap_where_both_are():
    box, other = make_box((2, 3, 4), (8, 9, 10)), make_box((5, 0, 9), (12, 4, 10))
    assert box.overlap(other) == other.overlap(box) == make_box((5, 3, 9), (8, 4, 10))
    assert box.overlap(make_box((8, 3, 4), (9, 9, 10))) is None
    assert box.overlap(make_box((0, 20, 0), (20, 21, 20))) is None


def test_a_box_is_counted_from_another_ones_first_voxel():
    box, other = make_box((5, 0, 9), (12, 4, 10)), make_box((2, 3, 4), (8, 9, 10))
    assert box.relative_to(other) == make_box((3, -3, 5), (10, 1, 6))
    assert box.relative_to(other).moved(other.start) == box


def test_boxes_are_enclosed_by_the_smallest_that_holds_them():
    box, other = make_box((5, 0, 9), (12, 4, 10)), make_box(np.array([2.0, 3.0, 4.0]), np.array([8.0, 9.0, 10.0]))
    assert enclose([box, other]) == make_box((2, 0, 4), (12, 9, 10))
    assert enclose([box]) == box
