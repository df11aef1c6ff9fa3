from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from autoseg.simulate.fields import build_smooth_field
from autoseg.simulate.growth import grow


@pytest.mark.parametrize("count", [1, 2, 17, 400, 3000])
def test_lesion_has_exactly_the_wanted_number_of_voxels_of_the_domain(count: int) -> None:
    shape = (24, 25, 26)
    domain = build_smooth_field(shape, 1.0, 12.0, 0) > -1.0
    seed = tuple(int(index) for index in np.argwhere(domain)[len(np.argwhere(domain)) // 2])
    score = np.linalg.norm(np.indices(shape) - np.array(seed)[:, None, None, None], axis=0)
    score = (score * np.exp(0.4 * build_smooth_field(shape, 1.0, 5.0, 1))).astype(np.float32)
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


def test_lesion_takes_the_whole_part_where_there_is_no_more_room() -> None:
    domain = np.zeros((9, 9, 9), bool)
    domain[3:5, 3:5, 3:5] = True
    lesion = grow(domain, np.ones(domain.shape, np.float32), (3, 3, 3), 50)
    np.testing.assert_array_equal(lesion, domain)


def test_smooth_field_has_unit_variance_at_every_voxel() -> None:
    fields = np.stack([build_smooth_field((9, 8, 7), 2.0, 11.0, seed) for seed in range(1500)])
    # The standard error of an SD from 1500 draws is 0.018.
    np.testing.assert_allclose(fields.std(axis=0), 1.0, atol=0.09)
    assert ndimage.gaussian_filter(fields.mean(axis=0), 1).max() < 0.1
