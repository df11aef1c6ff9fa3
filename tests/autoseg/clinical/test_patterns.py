from __future__ import annotations

import numpy as np
import pytest

from autoseg.clinical.lesion_files import Lesion
from autoseg.clinical.patterns import PATTERNS, Counting, LesionPattern, count_patterns, find_pattern
from dataset_fingerprints.geometry import make_grid
from dataset_fingerprints.reading.stored import Header

# Voxel 10 along x lies on the midline.
AFFINE = np.array([[2.0, 0, 0, -20], [0, 2, 0, -20], [0, 0, 2.5, -10], [0, 0, 0, 1]])
SHAPE = (21, 20, 12)


def lesion_of(*boxes: tuple[slice, slice, slice]) -> Lesion:
    mask = np.zeros(SHAPE, dtype=bool)
    for box in boxes:
        mask[box] = True
    grid = make_grid(SHAPE, AFFINE)
    return Lesion(mask=mask, grid=grid, source_grid=grid, header=Header(grid=grid, channels=1))


def pattern_of(*boxes: tuple[slice, slice, slice], other: np.ndarray | None = None, **counting: float) -> LesionPattern:
    return find_pattern(lesion_of(*boxes), other, Counting(**counting))  # type: ignore[arg-type]


LEFT = (slice(2, 4), slice(3, 5), slice(6, 8))
FAR_LEFT = (slice(6, 8), slice(12, 14), slice(6, 8))
RIGHT = (slice(15, 17), slice(3, 5), slice(6, 8))
LOW = (slice(12, 14), slice(3, 5), slice(0, 2))
SPECK = (slice(18, 19), slice(18, 19), slice(9, 10))
CEREBELLUM = np.zeros(SHAPE, dtype=bool)
CEREBELLUM[..., :3] = True


@pytest.mark.parametrize(
    ("boxes", "named"),
    [
        ((LEFT,), "one, left"),
        ((RIGHT,), "one, right"),
        ((LOW,), "one, other"),
        ((LEFT, FAR_LEFT), "several, unilateral"),
        ((LEFT, RIGHT), "several, bilateral"),
        ((LEFT, LOW), "several, other"),
        ((), "none"),
    ],
)
def test_pattern_is_that_of_number_and_sides(boxes: tuple[tuple[slice, slice, slice], ...], named: str) -> None:
    assert pattern_of(*boxes, other=CEREBELLUM).pattern() == named


def test_without_cerebellum_and_brainstem_a_low_lesion_has_a_side() -> None:
    found = pattern_of(LOW)
    assert found.pattern() == "one, right"
    assert found.other_ml is None


def test_volumes_are_split_at_the_midline_and_a_voxel_on_it_in_halves() -> None:
    found = pattern_of((slice(8, 12), slice(0, 1), slice(0, 1)))
    # Two voxels left, one on the midline, one right, of 10 mm3.
    assert (found.left_ml, found.right_ml) == pytest.approx((0.025, 0.015))
    assert found.volume_ml == pytest.approx(0.04)
    assert found.pattern() == "one, left"


def test_midline_can_lie_elsewhere() -> None:
    assert pattern_of(RIGHT, midline_mm=30.0).pattern() == "one, left"


def test_small_components_do_not_count_as_lesions_but_as_volume() -> None:
    found = pattern_of(LEFT, SPECK, min_mm3=11.0)
    assert found.pattern() == "one, left"
    assert found.small == 1
    assert found.volume_ml == pytest.approx(0.09)
    assert pattern_of(LEFT, SPECK).pattern() == "several, bilateral"


def test_corner_contact_joins_lesions_by_26_neighbours_only() -> None:
    touching = (slice(4, 6), slice(5, 7), slice(8, 10))
    assert pattern_of(LEFT, touching).pattern() == "one, left"
    assert pattern_of(LEFT, touching, connectivity=6).pattern() == "several, unilateral"


def test_components_are_listed_by_size() -> None:
    found = pattern_of(SPECK, LEFT)
    assert [one.volume_ml for one in found.components] == pytest.approx([0.08, 0.01])


def test_every_pattern_is_counted() -> None:
    counts = count_patterns([pattern_of(LEFT), pattern_of(LEFT), pattern_of(LEFT, RIGHT)])
    assert tuple(counts) == PATTERNS
    assert {name: count for name, count in counts.items() if count} == {"one, left": 2, "several, bilateral": 1}


def test_a_component_of_just_the_least_volume_counts_whatever_a_header_rounds_its_voxels_to() -> None:
    mask = np.zeros((6, 6, 6), dtype=bool)
    mask[2:4, 2:4, 2:4] = True
    grid = make_grid(mask.shape, np.diag([0.9999999, 0.9999999, 0.9999999, 1.0]))
    lesion = Lesion(mask=mask, grid=grid, source_grid=grid, header=Header(grid=grid, channels=1))
    found = find_pattern(lesion, None, Counting(min_mm3=8.0))
    assert (len(found.components), found.small) == (1, 0)
