from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from autoseg.preprocessing import Record, centres_inside, crop_to_centre, fit_crops, whole
from dataset_fingerprints.geometry import Box, Triple, make_box, make_grid
from planners.stage_inputs import CropTo

GRID = make_grid((60, 50, 40), np.diag([1.0, 2.0, 0.5, 1.0]))


def record(shape: Triple, box: Box | None = None) -> Record:
    return Record(box=box or make_box((10, 5, 0), (50, 45, 40)), shape=shape, source_grid=GRID)


def crop_to(margin_mm: float = 0.0, configuration: str = "first") -> CropTo:
    return CropTo(configuration=configuration, margin_mm=margin_mm)


def test_without_crops_a_stage_sees_the_whole_array() -> None:
    crop = fit_crops([], record((20, 80, 40)))
    assert crop.box == whole(record((20, 80, 40))) == make_box((0, 0, 0), (20, 80, 40))
    assert crop.missed == ()


def test_a_box_is_counted_in_voxels_of_the_array_with_those_it_only_touches() -> None:
    found = make_box((21, 15, 7), (30, 20, 9))
    # Halved, doubled and kept: 21 - 10 = 11 of the scan's lies in voxel 5 of the array.
    assert fit_crops([(crop_to(), found)], record((20, 80, 40))).box == make_box((5, 20, 7), (10, 30, 9))


def test_a_margin_is_in_millimetres_and_ends_at_the_scans_border() -> None:
    found = make_box((12, 15, 7), (30, 20, 9))
    box = fit_crops([(crop_to(3.0), found)], record((40, 40, 40))).box
    # 3 voxels of 1 mm, of which 1 lies before the array begins; 2 of 2 mm; 6 of 0.5 mm.
    assert box == make_box((0, 8, 1), (23, 17, 15))


def test_what_lies_in_all_boxes_is_seen() -> None:
    first, second = make_box((12, 10, 10), (30, 30, 30)), make_box((20, 5, 0), (50, 20, 40))
    crop = fit_crops([(crop_to(), first), (crop_to(), second)], record((40, 40, 40)))
    assert crop.box == make_box((10, 5, 10), (20, 15, 30))
    assert crop.missed == ()


def test_what_found_nothing_is_named_and_the_others_still_count() -> None:
    second = make_box((20, 5, 0), (50, 20, 40))
    pair = [(crop_to(configuration="a"), None), (crop_to(configuration="b"), second)]
    crop = fit_crops(pair, record((40, 40, 40)))
    assert crop.box == make_box((10, 0, 0), (40, 15, 40))
    assert crop.missed == ("a",)
    assert fit_crops(pair[:1], record((40, 40, 40))).box == make_box((0, 0, 0), (40, 40, 40))


@pytest.mark.parametrize("second", [make_box((31, 5, 0), (50, 20, 40)), make_box((0, 0, 0), (9, 9, 9))])
def test_boxes_that_do_not_meet_leave_the_whole_scan(second: Box) -> None:
    first = make_box((12, 10, 10), (30, 30, 30))
    crop = fit_crops([(crop_to(configuration="a"), first), (crop_to(configuration="b"), second)], record((40, 40, 40)))
    assert crop.box == make_box((0, 0, 0), (40, 40, 40))
    assert crop.missed == ("a", "b")


def test_voxels_of_the_scan_belong_to_a_crop_by_their_centres() -> None:
    done = record((20, 80, 40))
    assert centres_inside(whole(done), done) == done.box
    # Voxels 3 to 7 of the array along x are 6 to 14 of the scan's crop. Along y they hold the centres of 1 and 2, of
    # which the first lies at their very border.
    assert centres_inside(make_box((3, 3, 3), (7, 7, 7)), done) == make_box((16, 6, 3), (24, 8, 7))


def test_every_crop_holds_the_voxels_that_it_was_made_for_and_crops_side_by_side_share_none() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        shape = rng.integers(1, 90, 3)
        done = record((int(shape[0]), int(shape[1]), int(shape[2])))
        start = rng.integers((10, 5, 0), (50, 45, 40))
        found = make_box(start, rng.integers(start + 1, (51, 46, 41)))
        fitted = fit_crops([(crop_to(), found)], done).box
        assert fitted.overlap(whole(done)) == fitted
        assert centres_inside(fitted, done).overlap(found) == found
        edges = np.sort(rng.integers(0, shape[0] + 1, 4))
        edges[[0, -1]] = 0, shape[0]
        spans = [
            centres_inside(make_box((low, 0, 0), (high, shape[1], shape[2])), done) for low, high in pairwise(edges)
        ]
        assert spans[0].start[0] == 10
        assert spans[-1].stop[0] == 50
        assert all(one.stop[0] == other.start[0] for one, other in pairwise(spans))


def test_without_a_shape_all_of_a_box_is_looked_at() -> None:
    box = make_box((1, 2, 3), (9, 8, 7))
    assert crop_to_centre(box, None, record((40, 40, 40))) == box


def test_the_centre_is_that_of_the_scans_own_grid_whatever_was_cropped_from_it() -> None:
    # Of 60x50x40 voxels, those from 25, 20 and 17 on; the array begins at 10, 5 and 0.
    box = crop_to_centre(whole(record((40, 40, 40))), (10, 10, 5), record((40, 40, 40)))
    assert box == make_box((15, 15, 17), (25, 25, 22))


def test_the_centre_is_counted_in_voxels_of_the_array() -> None:
    # Halved and doubled: the grid is 30x100x40 such voxels, and the array begins at 5, 10 and 0.
    box = crop_to_centre(whole(record((20, 80, 40))), (10, 20, 40), record((20, 80, 40)))
    assert box == make_box((5, 30, 0), (15, 50, 40))


def test_what_reaches_out_of_a_box_is_left_out() -> None:
    box = crop_to_centre(make_box((0, 0, 0), (18, 40, 40)), (100, 10, 5), record((40, 40, 40)))
    assert box == make_box((0, 15, 17), (18, 25, 22))


def test_of_a_box_beside_the_centre_all_is_looked_at() -> None:
    box = make_box((0, 0, 0), (4, 4, 4))
    assert crop_to_centre(box, (10, 10, 5), record((40, 40, 40))) == box


def test_the_centre_of_197x233x189_voxels_begins_as_in_tomitas_code() -> None:
    """(size - shape) // 2 along each axis."""
    grid = make_grid((197, 233, 189), np.eye(4))
    mni = Record(box=make_box((0, 0, 0), grid.shape), shape=grid.shape, source_grid=grid)
    assert crop_to_centre(whole(mni), (144, 172, 168), mni) == make_box((26, 30, 10), (170, 202, 178))
