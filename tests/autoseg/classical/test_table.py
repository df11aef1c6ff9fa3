from __future__ import annotations

import numpy as np
import pytest

from autoseg.classical import BASELINES, BrainScan

SPACING_MM = (2.0, 2.0, 2.5)


def dark_lesion(seed: int = 0) -> tuple[BrainScan, np.ndarray]:
    """Return a round brain of two tissues with a dark ball on one side, and the ball."""
    rng = np.random.default_rng(seed)
    x, y, z = np.indices((40, 44, 36)) - np.array([20, 22, 18])[:, None, None, None] + 0.5
    brain = (x / 18) ** 2 + (y / 20) ** 2 + (z / 16) ** 2 < 1
    lesion = (x - 8) ** 2 + y**2 + z**2 < 20
    voxels = np.where(np.hypot(x, y) < 9, 110.0, 90.0) + rng.normal(0, 3, brain.shape)
    voxels[lesion] -= 45
    voxels[~brain] = 0
    return BrainScan(voxels=voxels.astype(np.float32), brain=brain, spacing_mm=SPACING_MM), lesion


@pytest.mark.parametrize("name", BASELINES)
def test_every_method_finds_a_dark_lesion_that_is_plain_to_see(name: str) -> None:
    scan, lesion = dark_lesion()
    mask = BASELINES[name]().segment(scan)
    assert mask.dtype == bool
    # Region growing stops at the border of two tissues in the ball.
    assert 2 * np.count_nonzero(mask & lesion) > 0.7 * (mask.sum() + lesion.sum())


@pytest.mark.parametrize("name", BASELINES)
def test_every_method_stays_inside_the_brain_and_gives_the_same_mask_again(name: str) -> None:
    scan, _ = dark_lesion(1)
    mask = BASELINES[name]().segment(scan)
    assert not mask[~scan.brain].any()
    np.testing.assert_array_equal(mask, BASELINES[name]().segment(scan))


@pytest.mark.parametrize("name", BASELINES)
def test_every_method_marks_nothing_in_an_empty_brain_and_in_one_of_one_value(name: str) -> None:
    nothing = np.zeros((6, 7, 8), dtype=np.float32)
    full = np.ones(nothing.shape, dtype=bool)
    for brain in (~full, full):
        scan = BrainScan(voxels=nothing + 5, brain=brain, spacing_mm=SPACING_MM)
        assert not BASELINES[name]().segment(scan).any()


@pytest.mark.parametrize("name", BASELINES)
def test_no_method_looks_at_the_scale_of_intensities(name: str) -> None:
    scan, _ = dark_lesion(2)
    scaled = BrainScan(voxels=scan.voxels * 1024, brain=scan.brain, spacing_mm=SPACING_MM)
    np.testing.assert_array_equal(BASELINES[name]().segment(scan), BASELINES[name]().segment(scaled))
