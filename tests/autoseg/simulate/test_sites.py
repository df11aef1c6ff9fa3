from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from autoseg.simulate.options import MOST_SITES, SimulationOptions
from autoseg.simulate.sites import Site, build_site, choose_site, sample_orientation

OPTIONS = SimulationOptions(voxels="sites")


def choose(count: int, options: SimulationOptions) -> list[Site]:
    rng = np.random.default_rng(0)
    return [choose_site(rng, number, options) for number in range(1, count + 1)]


@pytest.mark.parametrize("share", [0.0, 0.33, 0.5, 1.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_share_of_anisotropic_scans_is_exact_to_one_scan(share: float, seed: int) -> None:
    options = SimulationOptions(voxels="thick-slices", anisotropic_share=share, seed=seed)
    voxels = [site.voxel for site in choose(20, options)]
    assert set(voxels) <= {(1.0, 1.0, 1.0), (1.0, 1.0, 1.5)}
    assert abs(voxels.count((1.0, 1.0, 1.5)) - 20 * share) < 1


def test_sites_have_voxels_of_their_own_and_the_option_cubic_takes_them_away() -> None:
    edges = {build_site(index, OPTIONS).voxel for index in range(MOST_SITES)}
    assert {(1.0, 1.0, 1.0), (1.0, 1.0, 1.5), (0.94, 3.0, 0.94)} <= edges
    cubic = {build_site(index, replace(OPTIONS, voxels="cubic")).voxel for index in range(MOST_SITES)}
    assert cubic == {(1.0, 1.0, 1.0)}


def test_isotropic_share_lies_between_those_of_r2_1_and_r3_0() -> None:
    cubic = [site.voxel == (1.0, 1.0, 1.0) for site in choose(1000, OPTIONS)]
    assert 0.64 <= np.mean(cubic) <= 0.80


def test_a_site_is_the_same_in_every_case_of_a_seed_and_differs_between_seeds() -> None:
    by_name: dict[str, set[Site]] = {}
    for site in choose(200, OPTIONS):
        by_name.setdefault(site.name, set()).add(site)
    assert len(by_name) == MOST_SITES
    assert all(len(versions) == 1 for versions in by_name.values())
    assert build_site(0, OPTIONS).channels != build_site(0, replace(OPTIONS, seed=1)).channels


def test_about_half_of_the_scans_are_las_and_psr_is_rare() -> None:
    rng = np.random.default_rng(1)
    codes = Counter(sample_orientation(rng, site) for site in choose(6000, OPTIONS))
    # Standard error of a share of 6000 draws: 0.0065; LAS is 503 of 955 in R2.1 and 575 of 1453 in R3.0.
    assert 0.40 < codes["LAS"] / 6000 < 0.53
    # 9 of 1453 in R3.0: 37 of 6000 are expected, with a standard deviation of 6.
    assert 15 < codes["PSR"] + codes["PSL"] < 60


def test_gains_span_orders_of_magnitude() -> None:
    gains = [build_site(index, OPTIONS).channels[0].gain for index in range(MOST_SITES)]
    assert max(gains) > 100 * min(gains)
