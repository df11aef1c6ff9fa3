from __future__ import annotations

import numpy as np
import pytest

from autoseg.simulate.statistics import sample_lesions, sample_voxels


def test_volumes_follow_the_published_quartiles() -> None:
    rng = np.random.default_rng(0)
    volumes_ml = [0.001 * sample_voxels(rng, 0.01, 390.0, 0.001) for _ in range(4000)]
    # The quartiles of ATLAS R2.0 times 1.28; the standard error of a quartile of 4000 is about 5 % here.
    assert np.quantile(volumes_ml, [0.25, 0.5, 0.75]) == pytest.approx([1.15, 4.84, 33.8], rel=0.2)


def test_truncated_volumes_stay_in_the_range() -> None:
    rng = np.random.default_rng(0)
    voxels = [sample_voxels(rng, 2.0, 2.1, 0.027) for _ in range(200)]
    assert min(voxels) >= 75
    assert max(voxels) <= 77


@pytest.mark.parametrize("voxels", [1, 7, 300, 20000])
def test_lesions_share_all_voxels_the_largest_first(voxels: int) -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        parts = [draw.voxels for draw in sample_lesions(rng, voxels, 0.008)]
        assert sum(parts) == voxels
        assert parts == sorted(parts, reverse=True)
        assert min(parts) > 0


def test_about_half_of_the_cases_have_several_lesions_and_sides_are_balanced() -> None:
    rng = np.random.default_rng(2)
    cases = [sample_lesions(rng, sample_voxels(rng, 0.01, 390.0, 0.001), 0.001) for _ in range(2000)]
    assert np.mean([len(draws) > 1 for draws in cases]) == pytest.approx(0.53, abs=0.08)
    assert np.mean([draws[0].side for draws in cases]) == pytest.approx(0.04, abs=0.08)


def test_large_lesions_are_cortical_and_small_ones_mostly_not() -> None:
    rng = np.random.default_rng(3)
    large = [sample_lesions(rng, 300_000, 0.001)[0].location for _ in range(300)]
    small = [sample_lesions(rng, 500, 0.001)[0].location for _ in range(300)]
    assert set(large) == {"cortical"}
    assert {"subcortical", "cerebellar", "brainstem"} <= set(small)
    assert small.count("cortical") < 30
