"""The eleven features of components, against values that are worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from autoseg.postprocessing.component_features import NAMES, measure_components
from dataset_fingerprints.geometry import TripleFloat

SHAPE = (9, 9, 9)
CUBES = (1.0, 1.0, 1.0)
# Of a box of uniform density and length a, the second moment is a^2 / 12, and 2 sqrt(5 a^2 / 12) is this times a.
FACTOR = math.sqrt(5 / 3)
# Rounding of sums of squares; angles are rounded to six digits.
NEAR = 1e-6


def mark(*where: int | slice, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    mask[where] = True
    return mask


def measure(mask: NDArray[np.bool_], spacing_mm: TripleFloat = CUBES) -> dict[str, float]:
    """Return the features of the only component of a mask."""
    (values,) = measure_components(mask, spacing_mm).values
    return dict(zip(NAMES, map(float, values), strict=True))


def angles(found: dict[str, float]) -> tuple[float, float, float]:
    return found["roll_deg"], found["pitch_deg"], found["yaw_deg"]


def axes(found: dict[str, float]) -> tuple[float, float, float]:
    return found["longest_axis_mm"], found["middle_axis_mm"], found["shortest_axis_mm"]


def test_there_are_eleven_features() -> None:
    assert len(NAMES) == 11


def test_a_single_voxel_is_a_small_box() -> None:
    found = measure(mark(4, 4, 4))
    assert (found["voxels"], found["surface_mm2"]) == (1, 6)
    assert (found["x_mm"], found["y_mm"], found["z_mm"]) == (0, 0, 0)
    assert angles(found) == (0, 0, 0)
    assert axes(found) == pytest.approx((FACTOR,) * 3, abs=NEAR)


def test_a_long_voxel_lies_along_z() -> None:
    found = measure(mark(4, 4, 4), (1.0, 1.0, 3.0))
    # Four sides of 1x3 and two of 1x1.
    assert found["surface_mm2"] == pytest.approx(14)
    assert axes(found) == pytest.approx((3 * FACTOR, FACTOR, FACTOR), abs=NEAR)
    # x comes to lie along z by a pitch of -90 degrees about y.
    assert angles(found)[1] == -90


def test_a_box_has_the_moments_and_the_surface_of_a_box() -> None:
    # 3x2x7 voxels of 1x2x0.5 mm: 3x4x3.5 mm, with y the longest and x the shortest.
    found = measure(mark(slice(1, 4), slice(2, 4), slice(1, 8)), (1.0, 2.0, 0.5))
    assert found["voxels"] == 42
    assert found["surface_mm2"] == pytest.approx(2 * (3 * 4 + 4 * 3.5 + 3 * 3.5))
    assert axes(found) == pytest.approx((4 * FACTOR, 3.5 * FACTOR, 3 * FACTOR), abs=NEAR)
    # The scan's middle is (4.5, 9, 2.25) mm, the box's (2.5, 6, 2.25).
    assert (found["x_mm"], found["y_mm"], found["z_mm"]) == pytest.approx((-2, -3, 0), abs=NEAR)
    # x goes to y, then y to z: yaw and roll of 90 degrees.
    assert angles(found) == (90, 0, 90)


@pytest.mark.parametrize(
    ("axis", "expected"), [(0, (0, 0, 0)), (1, (0, 0, 90)), (2, (0, -90, -90))], ids=["x", "y", "z"]
)
def test_a_rod_has_the_direction_of_its_axis(axis: int, expected: tuple[int, int, int]) -> None:
    where: list[int | slice] = [4, 4, 4]
    where[axis] = slice(1, 8)
    found = measure(mark(*where))
    assert found["voxels"] == 7
    assert found["surface_mm2"] == 4 * 7 + 2
    assert axes(found) == pytest.approx((7 * FACTOR, FACTOR, FACTOR), abs=NEAR)
    assert angles(found) == expected
    # The angles turn the coordinate axes into the rod: about z, then about the turned y.
    yaw, pitch = np.radians(found["yaw_deg"]), np.radians(found["pitch_deg"])
    direction = np.array([math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), -math.sin(pitch)])
    assert abs(direction[axis]) == pytest.approx(1)


@pytest.mark.parametrize(("turned", "sign"), [(False, 1), (True, -1)])
def test_a_rod_that_is_turned_by_45_degrees_has_that_yaw(turned: bool, sign: int) -> None:
    # Squares of 2x2 voxels along the diagonal, each touching the next by the two voxels that they share.
    mask = np.zeros((12, 12, 1), dtype=bool)
    for place in range(11):
        mask[place : place + 2, place : place + 2] = True
    mask = mask[:, ::-1] if turned else mask
    found = measure(mask)
    assert angles(found) == (0, 0, pytest.approx(45 * sign, abs=NEAR))
    # 12 voxels on the diagonal and 11 on each side of it. Along it, at sqrt(2) i and sqrt(2) (i + 1/2), the middle at
    # sqrt(2) 5.5; across it 0 and half a diagonal. All with 1/12 for a voxel itself.
    along = (2 * (12 * 143 / 12 + 22 * 120 / 12)) / 34 + 1 / 12
    across = 22 * 0.5 / 34 + 1 / 12
    assert axes(found) == pytest.approx((2 * math.sqrt(5 * along), 2 * math.sqrt(5 * across), FACTOR), abs=NEAR)


def test_a_plane_has_two_long_axes_and_is_not_turned() -> None:
    found = measure(mark(slice(None), slice(None), 4))
    assert found["surface_mm2"] == 2 * 81 + 4 * 9
    assert axes(found) == pytest.approx((9 * FACTOR, 9 * FACTOR, FACTOR), abs=NEAR)
    assert angles(found) == (0, 0, 0)


def test_voxels_that_touch_by_an_edge_are_two_components() -> None:
    mask = mark(1, 1, 1) | mark(2, 2, 1)
    found = measure_components(mask, CUBES)
    assert found.values[:, 0].tolist() == [1, 1]
    # Each keeps all of its faces.
    assert found.values[:, 1].tolist() == [6, 6]


def test_a_mask_of_nothing_has_no_components() -> None:
    assert measure_components(np.zeros(SHAPE, dtype=bool), CUBES).values.shape == (0, 11)


def test_components_are_measured_apart_from_each_other_and_from_their_box() -> None:
    first, second = mark(slice(0, 3), 0, 0), mark(6, slice(4, 9), 5)
    together = measure_components(first | second, CUBES).values
    assert sorted(map(tuple, together)) == sorted(
        tuple(row) for mask in (first, second) for row in measure_components(mask, CUBES).values
    )
