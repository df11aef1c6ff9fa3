from __future__ import annotations

import math

import numpy as np
import pytest

from autoseg.labelling.corrections import (
    find_share,
    list_scored,
    list_structures,
    measure_changes,
    measure_rms,
    measure_scored,
)
from tests.synthetic.heads import plain_scheme, region_scheme


def slab(start: int, stop: int) -> np.ndarray:
    mask = np.zeros((12, 6, 6), dtype=bool)
    mask[start:stop] = True
    return mask


def test_the_distance_of_parallel_faces_is_that_of_the_root_mean_square() -> None:
    # One-voxel sheets, all of whose voxels are surface: 36 points, each 3 voxels of 2 mm away.
    found = measure_rms(slab(2, 3), slab(5, 6), (2.0, 1.0, 1.0))
    assert found.mm == pytest.approx(6.0)
    assert found.points == 36
    # Half of the points at 0, half at 2 voxels: sqrt((0 + 2^2) / 2).
    both = measure_rms(slab(2, 3) | slab(4, 5), slab(2, 3), (1.0, 1.0, 1.0))
    assert both.mm == pytest.approx(math.sqrt(2))
    assert both.points == 72


def test_it_is_measured_from_the_points_of_the_first_surface() -> None:
    assert measure_rms(slab(2, 3), slab(2, 3) | slab(4, 5), (1.0, 1.0, 1.0)).mm == 0.0


def test_an_empty_mask_has_no_distance() -> None:
    assert measure_rms(slab(2, 3), slab(0, 0), (1.0, 1.0, 1.0)).mm is None


def test_changed_volumes_are_those_in_one_mask_only() -> None:
    before, after = slab(2, 6).astype(np.uint8), slab(3, 8).astype(np.uint8) * 1
    after[0, 0, 0] = 2
    first, second = measure_changes(before, after, list_structures(plain_scheme(2)), (1.0, 2.0, 5.0))
    voxel_ml = 0.01
    assert first.before_ml == pytest.approx(4 * 36 * voxel_ml)
    assert first.after_ml == pytest.approx(5 * 36 * voxel_ml)
    assert first.changed_ml == pytest.approx(3 * 36 * voxel_ml)
    assert (second.before_ml, second.after_ml, second.rms_mm) == (0.0, voxel_ml, None)
    assert find_share((first, second)) == pytest.approx((108 + 1) / (180 + 1))
    assert find_share(()) is None


def test_people_edit_labels_and_models_are_scored_by_regions() -> None:
    scheme = region_scheme()
    assert [one.name for one in list_scored(scheme)] == [region.name for region in scheme.regions]
    assert [one.values for one in list_structures(scheme)] == [(label.value,) for label in scheme.labels]


def test_voxels_that_a_reference_ignores_are_of_no_surface() -> None:
    reference, predicted = slab(2, 3).astype(np.uint8), slab(8, 9).astype(np.uint8)
    scheme = plain_scheme(1, ignore_value=9)
    assert measure_scored(reference, predicted, scheme, (1.0, 1.0, 1.0))["label 1"].mm == 6.0
    reference[8] = 9
    assert measure_scored(reference, predicted, scheme, (1.0, 1.0, 1.0))["label 1"].mm is None
