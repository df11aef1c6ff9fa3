from __future__ import annotations

import numpy as np

from autoseg.evaluation.surfaces import find_surface, measure_distances
from tests.autoseg.evaluation.masks import make_box, make_points


def test_surface_of_a_box_is_its_outer_layer():
    surface = find_surface(make_box((9, 9, 9), (1, 1, 1), (6, 6, 6)) > 0)
    assert surface.sum() == 5**3 - 3**3


def test_mask_that_fills_the_array_has_its_outer_layer_as_surface():
    assert find_surface(np.ones((5, 5, 5), dtype=bool)).sum() == 5**3 - 3**3


def test_surface_of_a_flat_mask_is_its_outline():
    mask = make_box((9, 9, 1), (1, 1, 0), (6, 6, 1)) > 0
    assert find_surface(mask, (False, False, True)).sum() == 5**2 - 3**2


def test_distances_are_those_to_the_nearest_voxel_in_mm():
    source = make_points((9, 9, 9), (0, 0, 0), (0, 0, 8)) > 0
    target = make_points((9, 9, 9), (3, 4, 0), (0, 0, 6)) > 0
    assert measure_distances(source, target, (1.0, 1.0, 2.0)).tolist() == [5.0, 4.0]
