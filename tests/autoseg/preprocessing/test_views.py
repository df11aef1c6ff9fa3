"""Halves of a scan: what is taken apart comes together again, whatever the lengths and the axis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoseg.preprocessing import Record, View, divide_case, find_views, whole
from autoseg.preprocessing.views import divide_box, find_middle
from dataset_fingerprints.geometry import Box, Triple, make_box, make_grid
from planners.halves import Halves

LENGTHS = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
AXES = st.integers(0, 2)
SIDES = st.sampled_from(["first", "second"])


def record(shape: Triple, box: Box | None = None, scan: Triple | None = None) -> Record:
    scan = scan or shape
    return Record(box=box or make_box((0, 0, 0), scan), shape=shape, source_grid=make_grid(scan, np.eye(4)))


@settings(deadline=None)
@given(LENGTHS, AXES, SIDES, st.integers(-2, 12))
def test_what_is_taken_apart_is_put_together_again(shape: Triple, axis: int, mirrored: str, middle: int) -> None:
    values = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    views = divide_box(make_box((0, 0, 0), shape), axis, middle, mirrored)
    again = np.full_like(values, np.nan)
    for view in views:
        view.put(view.take(values), again)
    assert np.array_equal(again, values)
    assert sum(view.box.shape()[axis] for view in views) == shape[axis]


@settings(deadline=None)
@given(LENGTHS, AXES, SIDES)
def test_halves_of_an_even_length_are_as_long_and_an_odd_middle_is_behind(
    shape: Triple, axis: int, mirrored: str
) -> None:
    views = divide_case(whole(record(shape)), Halves(axis=axis, mirrored=mirrored), record(shape))  # type: ignore[arg-type]
    lengths = [view.box.shape()[axis] for view in views]
    assert lengths == [length for length in (shape[axis] // 2, shape[axis] - shape[axis] // 2) if length]
    assert [view.box.shape() for view in views] == [*Halves(axis=axis).list_shapes(shape)]
    assert [view.mirrored for view in views].count(axis) == (1 if len(views) == 2 or mirrored == "second" else 0)


@settings(deadline=None)
@given(AXES, SIDES, st.data())
def test_a_box_of_a_view_shows_the_voxels_that_it_is_located_at(axis: int, mirrored: str, data: st.DataObject) -> None:
    values = np.arange(7 * 6 * 5).reshape(7, 6, 5)
    for view in divide_box(make_box((0, 0, 0), values.shape), axis, 3, mirrored):
        shape = view.box.shape()
        start = [data.draw(st.integers(0, length - 1)) for length in shape]
        stop = [data.draw(st.integers(low + 1, length)) for low, length in zip(start, shape, strict=True)]
        box = make_box(start, stop)
        assert np.array_equal(view.take(values)[box.slices()], view.turn(values[view.locate(box).slices()]))


@given(st.integers(1, 600), st.integers(1, 700), st.data())
def test_the_middle_is_that_of_the_scan_whatever_was_cropped_from_it(
    scan: int, length: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, scan - 1))
    stop = data.draw(st.integers(start + 1, scan))
    voxel = (stop - start) / length
    middle = start + voxel * find_middle(scan, (start, stop), length)
    assert abs(middle - scan / 2) <= voxel / 2 + 1e-6


def test_a_slice_of_512_voxels_becomes_two_of_256_and_the_left_one_is_mirrored() -> None:
    # Section 3.3: 512 x 512 to 256 x 512; canonical axes begin at the patient's left.
    done = record((512, 512, 1))
    left, right = divide_case(whole(done), Halves(), done)
    assert left.box.shape() == right.box.shape() == (256, 512, 1)
    assert (left.mirrored, right.mirrored) == (0, -1)
    image = np.zeros((1, 512, 512, 1))
    image[0, 10, 5], image[0, 511 - 10, 5] = 1, 1
    assert np.array_equal(left.take(image), right.take(image))


def test_a_crop_on_one_side_is_one_view_counted_from_its_own_first_voxel() -> None:
    done = record((20, 8, 8), box=make_box((10, 0, 0), (50, 8, 8)), scan=(60, 8, 8))
    halves = Halves()
    # The scan's middle, 30, is 20 behind the box's start, and voxels are twice as long.
    assert [view.box.stop[0] for view in divide_case(whole(done), halves, done)] == [10, 20]
    assert find_views(make_box((2, 0, 0), (9, 8, 8)), halves, done) == (
        View(box=make_box((0, 0, 0), (7, 8, 8)), mirrored=0),
    )
    assert find_views(make_box((11, 0, 0), (15, 8, 8)), halves, done) == (View(box=make_box((0, 0, 0), (4, 8, 8))),)
    assert find_views(whole(done), None, done) == ()


@pytest.mark.parametrize("mirrored", ["first", "second"])
def test_scans_that_are_not_divided_are_seen_whole(mirrored: str) -> None:
    done = record((6, 5, 4))
    assert divide_case(whole(done), None, done) == (View(box=whole(done)),)
    assert len(divide_case(whole(done), Halves(mirrored=mirrored), done)) == 2  # type: ignore[arg-type]
