from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays
from scipy.spatial.distance import cdist

from autoseg.evaluation import pair_masks
from autoseg.evaluation.metrics.surfaces.hausdorff import HausdorffOptions
from autoseg.evaluation.surfaces import find_surface
from tests.autoseg.evaluation.masks import ONE_MM, make_ball, make_box

MASKS = arrays.arrays(np.bool_, (4, 5, 3))
HD95 = HausdorffOptions(percentile=95.0)


def score(prediction, reference, spacing_mm=ONE_MM, metric=HD95):
    return metric.measure(pair_masks(prediction, reference, spacing_mm))


@pytest.mark.parametrize(("axis", "expected_mm"), [(0, 2.0), (1, 3.0), (2, 10.0)])
def test_thin_plates_lie_apart_by_shift_times_spacing(axis, expected_mm):
    # A plate of one voxel, shifted by 2 voxels across: every voxel has its nearest one straight across.
    start, stop = [0, 0, 0], [8, 8, 8]
    start[axis], stop[axis] = 3, 4
    reference = make_box((8, 8, 8), tuple(start), tuple(stop)) > 0
    assert score(np.roll(reference, 2, axis), reference, (1.0, 1.5, 5.0)) == expected_mm


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (1.0, 1.0, 2.5)])
def test_concentric_balls_lie_apart_by_the_difference_of_their_radii(spacing_mm):
    small = make_ball((61, 61, 61), 12.0, spacing_mm) > 0
    large = make_ball((61, 61, 61), 20.0, spacing_mm) > 0
    # Both surfaces are made of voxel centres, up to one voxel inside the sphere.
    assert score(small, large, spacing_mm) == pytest.approx(8.0, abs=max(spacing_mm))


def test_few_far_voxels_reach_the_largest_distance_but_not_the_95th_percentile():
    reference = make_ball((40, 40, 40), 10.0) > 0
    prediction = reference.copy()
    prediction[0, 20, 20] = True
    assert score(prediction, reference) == 0.0
    # The ball's nearest voxel lies 10 voxels from the middle, at x = 10.
    assert score(prediction, reference, metric=HausdorffOptions()) == 10.0


def test_the_worse_direction_counts():
    # All of the reference is near the prediction; half of the prediction is far from the reference.
    reference = make_box((40, 5, 5), (0, 0, 0), (1, 5, 5)) > 0
    prediction = reference | (make_box((40, 5, 5), (30, 0, 0), (31, 5, 5)) > 0)
    assert score(prediction, reference) == 30.0


@given(prediction=MASKS, reference=MASKS)
def test_distance_agrees_with_all_pairs_of_surface_voxels(prediction, reference):
    spacing_mm = (1.0, 0.5, 3.0)
    found = score(prediction, reference, spacing_mm)
    if not (prediction.any() and reference.any()):
        assert found is None
        return
    points = [np.argwhere(find_surface(mask)) * spacing_mm for mask in (prediction, reference)]
    pairs = cdist(*points)
    expected = max(np.percentile(pairs.min(axis=axis), 95) for axis in (0, 1))
    assert found == pytest.approx(expected)
    assert found == score(reference, prediction, spacing_mm)


def test_the_title_names_the_percentile():
    assert (HD95.about.title, HausdorffOptions().about.title) == ("HD95", "HD")
