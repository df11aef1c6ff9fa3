from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoseg.simulate.damage import DamagePlan, apply_damage, sample_damage

PLAN = DamagePlan(rim_loss=0.5, core_loss=0.98, rim_mm=3.0, halo_loss=0.1, strands=0.0, field_seed=0)
SPACING_MM = (1.0, 1.0, 1.0)
OFFSETS = np.indices((31, 31, 31)) - 15
DISTANCE = np.sqrt((OFFSETS**2).sum(axis=0))


def test_cavity_has_a_fluid_core_a_rim_and_a_faint_surrounding() -> None:
    lesion = DISTANCE <= 10
    loss = apply_damage(PLAN, lesion, np.ones_like(lesion), SPACING_MM)
    core, rim, around, far = (
        float(loss[(low < DISTANCE) & (high >= DISTANCE)].mean())
        for low, high in ((-1, 5), (9, 10), (10, 11.5), (14, 20))
    )
    assert core > 0.9 > rim > 0.4 > around > far
    assert far < 0.02
    assert 0.0 <= loss.min() <= loss.max() <= 1.0


def test_cavity_is_open_at_the_surface_of_the_brain() -> None:
    lesion = DISTANCE <= 10
    brain = OFFSETS[0] <= 0
    loss = apply_damage(PLAN, lesion & brain, brain, SPACING_MM)
    surface, towards_tissue = loss[15, 15, 15], loss[6, 15, 15]
    # The planned 0.98 and 0.5, with a texture of 0.06 (SD).
    assert surface > 0.8 > 0.7 > towards_tissue
    assert not loss[~brain].any()


def test_strands_keep_tissue_in_the_cavity() -> None:
    lesion = DISTANCE <= 14
    brain = np.ones_like(lesion)
    without = apply_damage(PLAN, lesion, brain, SPACING_MM)
    with_strands = apply_damage(replace(PLAN, strands=0.5), lesion, brain, SPACING_MM)
    lost = (without - with_strands)[DISTANCE < 9]
    assert lost.min() > -1e-6
    assert lost.max() > 0.3
    assert 0.02 < (lost > 0.2).mean() < 0.4


def test_most_large_infarcts_are_cavities_and_most_small_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    large, small = ([sample_damage(rng, volume).core_loss >= 0.88 for _ in range(400)] for volume in (50.0, 1.0))
    # Planned: 85 %, and 40 % and the darkest scars; the standard error of a share of 400 is 0.025.
    assert np.mean(large) > 0.78
    assert 0.3 < np.mean(small) < 0.7
