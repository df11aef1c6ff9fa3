from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation import pair_masks
from autoseg.evaluation.metrics.surfaces.mean_distances import AssdOptions, MasdOptions, MeanSurfaceDistanceOptions
from autoseg.evaluation.metrics.surfaces.surface_dice import SurfaceDiceOptions
from tests.autoseg.evaluation.masks import ONE_MM, make_box, make_points

# One voxel, and it with another one 4 mm further.
ONE, TWO = make_points((9, 3, 3), (1, 1, 1)) > 0, make_points((9, 3, 3), (1, 1, 1), (5, 1, 1)) > 0
PAIR = pair_masks(ONE, TWO, ONE_MM)


def test_readings_of_the_mean_distance():
    # Of three places, one lies 4 mm from the other mask; of the reference's two, one.
    assert AssdOptions().measure(PAIR) == pytest.approx(4 / 3)
    assert MasdOptions().measure(PAIR) == pytest.approx((0 + 4 / 2) / 2)
    assert MeanSurfaceDistanceOptions().measure(PAIR) == 0.0
    assert MeanSurfaceDistanceOptions(direction="reference_to_prediction").measure(PAIR) == 2.0


def test_the_share_of_surfaces_within_a_tolerance():
    voxels = SurfaceDiceOptions(surface="voxels")
    assert voxels.measure(PAIR) == pytest.approx(2 / 3)
    # Each voxel has eight corners of equal area; the second one's four nearer corners lie 3 mm off, the others 4 mm.
    assert SurfaceDiceOptions(tolerance_mm=2.9).measure(PAIR) == pytest.approx(16 / 24)
    assert SurfaceDiceOptions(tolerance_mm=3.0).measure(PAIR) == pytest.approx(20 / 24)
    assert SurfaceDiceOptions(tolerance_mm=4.0).measure(PAIR) == 1.0
    assert SurfaceDiceOptions(tolerance_mm=2.0).about.title == "NSD at 2 mm"


def test_plates_lie_apart_by_their_shift_in_every_reading():
    reference = make_box((12, 8, 8), (3, 0, 0), (4, 8, 8)) > 0
    pair = pair_masks(np.roll(reference, 4, 0), reference, (1.5, 1.0, 1.0))
    for metric in (AssdOptions(), MasdOptions(), MeanSurfaceDistanceOptions()):
        assert metric.measure(pair) == pytest.approx(6.0)


def test_an_image_of_one_voxel_has_a_surface():
    full = np.ones((1, 1, 1), dtype=bool)
    pair = pair_masks(full, full, ONE_MM)
    assert AssdOptions().measure(pair) == AssdOptions(surface="elements").measure(pair) == 0.0
    assert SurfaceDiceOptions().measure(pair) == 1.0
