from __future__ import annotations

import numpy as np
import pytest

from autoseg.simulate.anatomy import Anatomy, FieldOfView, apply_anatomy, sample_anatomy
from autoseg.simulate.atrophy import AtrophyPlan, apply_atrophy, sample_atrophy
from autoseg.simulate.regions import Ball, find_ventricles, ventricle_distance_mm
from autoseg.simulate.template import load_template

SPACING_MM = (3.0, 3.0, 3.0)


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    plan = sample_anatomy(np.random.default_rng(0))
    return apply_anatomy(plan, load_template(SPACING_MM), FieldOfView(spacing_mm=SPACING_MM))


def test_ventricle_widens_beside_the_lesion_and_not_on_the_other_side(anatomy: Anatomy) -> None:
    main = Ball(centre_mm=(-38.0, 0.0, 22.0), radius_mm=12.0)
    lesion = main.distance_mm(anatomy.mni_mm) < 0
    plan = AtrophyPlan(ventricle_mm=8.0, sulci=1.0)
    changed = apply_atrophy(plan, anatomy, lesion, main, ventricle_distance_mm(anatomy))
    before, after = (find_ventricles(state) for state in (anatomy, changed))
    left = anatomy.mni_mm[0] < 0
    assert after[left].sum() > 1.1 * before[left].sum()
    np.testing.assert_array_equal(after[~left], before[~left])
    assert changed.csf[left].sum() > anatomy.csf[left].sum()
    np.testing.assert_allclose((changed.gm + changed.wm + changed.csf)[anatomy.brain], 1.0, atol=1e-4)
    np.testing.assert_array_equal(changed.csf[lesion], anatomy.csf[lesion])


def test_small_lesions_leave_the_brain_as_it_is(anatomy: Anatomy) -> None:
    plan = sample_atrophy(np.random.default_rng(0), 2.0)
    main = Ball(centre_mm=(30.0, 0.0, 20.0), radius_mm=8.0)
    lesion = main.distance_mm(anatomy.mni_mm) < 0
    assert apply_atrophy(plan, anatomy, lesion, main, ventricle_distance_mm(anatomy)) is anatomy


def test_fractions_sum_to_one_in_the_brain_and_the_brain_is_in_one_piece(anatomy: Anatomy) -> None:
    total = anatomy.gm + anatomy.wm + anatomy.csf
    np.testing.assert_allclose(total[anatomy.brain], 1.0, atol=1e-5)
    assert not total[~anatomy.brain].any()


def test_ventricle_distance_is_zero_in_the_ventricles_and_infinite_far_away(anatomy: Anatomy) -> None:
    distance_mm = ventricle_distance_mm(anatomy)
    assert not distance_mm[find_ventricles(anatomy)].any()
    assert np.isinf(distance_mm[anatomy.mni_mm[2] > 60]).all()
    # Its neighbours along an axis are a voxel away.
    assert distance_mm[distance_mm > 0].min() == pytest.approx(3.0)
