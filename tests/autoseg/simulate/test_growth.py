from __future__ import annotations

import numpy as np
import pytest

from autoseg.simulate.fields import build_smooth_field, grid_axes
from autoseg.simulate.growth import fill_up, grow


@pytest.mark.parametrize("count", [1, 2, 17, 400, 3000])
def test_lesion_has_exactly_the_wanted_number_of_voxels_of_the_domain(count: int) -> None:
    shape = (24, 25, 26)
    axes = grid_axes(shape, (1.0, 1.0, 1.0))
    domain = build_smooth_field(axes, 12.0, 0) > -1.0
    seed = tuple(int(index) for index in np.argwhere(domain)[len(np.argwhere(domain)) // 2])
    score = np.linalg.norm(np.indices(shape) - np.array(seed)[:, None, None, None], axis=0)
    score = (score * np.exp(0.4 * build_smooth_field(axes, 5.0, 1))).astype(np.float32)
    lesion = grow(domain, score, (seed[0], seed[1], seed[2]), count)
    assert lesion.sum() == count
    assert not (lesion & ~domain).any()


def test_lesion_does_not_jump_to_a_separate_part_with_better_scores() -> None:
    domain = np.zeros((20, 9, 9), bool)
    domain[:8] = domain[12:] = True
    score = np.where(np.arange(20)[:, None, None] >= 12, 0.0, 1.0) + np.zeros(domain.shape, np.float32)
    lesion = grow(domain, score.astype(np.float32), (4, 4, 4), 100)
    assert lesion.sum() == 100
    assert not lesion[12:].any()


def test_lesion_takes_the_whole_part_where_there_is_no_more_space() -> None:
    domain = np.zeros((9, 9, 9), bool)
    domain[3:5, 3:5, 3:5] = True
    lesion = grow(domain, np.ones(domain.shape, np.float32), (3, 3, 3), 50)
    np.testing.assert_array_equal(lesion, domain)


def test_filling_up_adds_the_nearest_voxels_first() -> None:
    part = np.zeros((9, 9, 9), bool)
    part[4, 4, 4] = True
    filled = fill_up(part, np.ones_like(part), 7)
    assert filled.sum() == 7
    # The six face neighbours.
    assert np.abs(np.argwhere(filled) - 4).sum(axis=1).max() == 1
