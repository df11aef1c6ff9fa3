from __future__ import annotations

import math

import numpy as np
import pytest

from autoseg.evaluation.surface_elements import find_elements, list_areas
from tests.autoseg.evaluation.masks import make_ball, make_box

SPACING_MM = (1.0, 2.0, 3.0)
SOLID = (False, False, False)
# Half of a line across a slope of two edges, and a triangle between the middles of three edges.
TRIANGLE = math.sqrt(6**2 + 3**2 + 2**2) / 8


def code(*corners):
    """Return the code of inside voxels, each as 0 or 1 along x, y and z."""
    return sum(1 << (4 * x + 2 * y + z) for x, y, z in corners)


@pytest.mark.parametrize(
    ("inside", "area"),
    [
        ([(0, 0, 0)], TRIANGLE),
        # Along x: a strip as long as a voxel, across the diagonal of y and z.
        ([(0, 0, 0), (1, 0, 0)], math.hypot(2, 3) / 2 * 1.0),
        # Diagonal neighbours are cut off one by one.
        ([(0, 0, 0), (1, 1, 0)], 2 * TRIANGLE),
        ([(0, 0, 0), (1, 1, 1)], 2 * TRIANGLE),
        # A flat face across z, and across x.
        ([(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)], 2.0),
        ([(0, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1)], 6.0),
        ([(0, 0, 0), (1, 0, 0), (0, 1, 0)], 2.0 / 2 + 3 * TRIANGLE),
        ([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], 6 * TRIANGLE),
        # In a row along x, z and y, with the ends along x and y.
        (
            [(0, 0, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1)],
            math.hypot(3, 2) / 4 + math.hypot(6, 2) / 4 + 4 * TRIANGLE,
        ),
    ],
)
def test_areas_have_the_values_by_hand_and_those_of_the_voxels_left(inside, area):
    areas = list_areas(SPACING_MM)
    assert areas[code(*inside)] == pytest.approx(area)
    assert areas[255 - code(*inside)] == pytest.approx(area)


def test_no_surface_runs_where_all_voxels_are_alike():
    assert list_areas(SPACING_MM)[[0, 255]].tolist() == [0.0, 0.0]
    assert (list_areas(SPACING_MM)[1:255] > 0).all()


def test_areas_turn_with_the_axes():
    areas, turned = list_areas((1.0, 2.0, 3.0)), list_areas((3.0, 1.0, 2.0))
    for number in range(256):
        corners = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1) if number >> (4 * x + 2 * y + z) & 1]
        assert areas[number] == pytest.approx(turned[code(*((z, x, y) for x, y, z in corners))])


def test_outlines_in_a_plane_have_lengths():
    lengths = list_areas((3.0, 4.0))
    # Bit 2 x + y: one pixel, two along x, two along y, two that touch by a corner.
    assert lengths[[0b0001, 0b0101, 0b0011, 0b1001]] == pytest.approx([2.5, 3.0, 4.0, 5.0])


def test_a_box_has_its_surface_but_for_cut_edges_and_corners():
    mask = make_box((12, 12, 12), (1, 1, 1), (9, 7, 5)) > 0
    elements = find_elements(mask, SPACING_MM, SOLID)
    # Faces between the outermost voxel centres, edges as strips, corners as triangles.
    x, y, z = 7 * 1.0, 5 * 2.0, 3 * 3.0
    faces = 2 * (x * y + y * z + x * z)
    edges = 4 * (x * math.hypot(2, 3) / 2 + y * math.hypot(1, 3) / 2 + z * math.hypot(1, 2) / 2)
    assert elements.areas.sum() == pytest.approx(faces + edges + 8 * TRIANGLE)


def test_a_ball_has_about_the_area_of_a_sphere():
    spacing_mm = (0.5, 0.5, 1.0)
    mask = make_ball((61, 61, 41), 12.0, spacing_mm) > 0
    area = find_elements(mask, spacing_mm, SOLID).areas.sum()
    # Cubes cut at their corners are larger than the sphere by less than a tenth.
    assert area == pytest.approx(4 * math.pi * 12.0**2, rel=0.12)


def test_an_image_of_one_slice_has_an_outline():
    mask = np.zeros((8, 8, 1), dtype=bool)
    mask[2:5, 3:5] = True
    elements = find_elements(mask, (1.0, 2.0, 9.0), (False, False, True))
    assert elements.areas.sum() == pytest.approx(2 * 2 * 1.0 + 2 * 1 * 2.0 + 4 * math.hypot(1, 2) / 2)
    assert elements.places.indices[:, 2].tolist() == [0] * len(elements.places)
