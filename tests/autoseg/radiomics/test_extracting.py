"""Features of regions whose numbers are known."""

from __future__ import annotations

import logging
from collections import Counter

import numpy as np
import pytest

from autoseg.radiomics import FAMILIES, RadiomicsOptions, family_of, measure_features
from autoseg.radiomics.extracting import resample_around
from dataset_fingerprints.errors import DataError
from tests.autoseg.radiomics.lesions import SHAPE, box, lesion

pytest.importorskip("mirp")

PLAIN = RadiomicsOptions(wavelets=False)
UNIT = (1.0, 1.0, 1.0)


def test_first_order_features_are_those_of_the_voxels_of_the_region() -> None:
    rng = np.random.default_rng(0)
    voxels, mask = rng.normal(50, 10, SHAPE).astype(np.float32), box((8, 8, 8), (18, 16, 14))
    found = measure_features(voxels, mask, UNIT, PLAIN)
    inside = voxels[mask].astype(np.float64)
    assert found["stat_mean"] == pytest.approx(inside.mean(), rel=1e-5)
    assert found["stat_var"] == pytest.approx(inside.var(), rel=1e-5)
    assert found["stat_median"] == pytest.approx(np.median(inside), rel=1e-5)
    assert found["stat_energy"] == pytest.approx((inside**2).sum(), rel=1e-5)
    assert (found["stat_min"], found["stat_max"]) == pytest.approx((inside.min(), inside.max()))


def test_the_volume_is_that_of_the_region_in_mm3_whatever_the_voxels() -> None:
    voxels, mask = lesion(1)
    fine = measure_features(voxels, mask, UNIT, PLAIN)
    assert fine["morph_vol_approx"] == pytest.approx(mask.sum())
    _, region = resample_around(voxels, mask, (1.0, 1.0, 2.0), 1.0)
    # Two voxels of 1 mm in every slice of 2 mm.
    assert region.sum() == 2 * mask.sum()


def test_a_texture_follows_from_the_grey_levels_that_lie_beside_each_other() -> None:
    """Two levels in alternating planes: along x all pairs differ, across all are alike."""
    planes = np.indices(SHAPE)[0] % 2
    voxels, mask = planes.astype(np.float32), box((8, 8, 8), (16, 16, 16))
    found = measure_features(voxels, mask, UNIT, RadiomicsOptions(wavelets=False, bins=2))
    contrast = next(value for name, value in found.items() if name.startswith("cm_contrast"))
    pairs = {True: 0, False: 0}
    steps = [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) > (0, 0, 0)]
    for x, y, z in steps:
        pairs[bool(x % 2)] += (8 - abs(x)) * (8 - abs(y)) * (8 - abs(z))
    # Levels 1 and 2 differ by 1, whose square is 1.
    assert contrast == pytest.approx(pairs[True] / sum(pairs.values()), rel=1e-6)


@pytest.mark.slow
def test_every_feature_is_of_a_family_and_wavelets_have_eight_bands() -> None:
    voxels, mask = lesion(2)
    found = measure_features(voxels, mask, UNIT)
    families = Counter(map(family_of, found))
    assert set(families) == set(FAMILIES)
    in_a_band = families["first_order"] + families["texture"]
    assert families["wavelet"] == 8 * in_a_band
    bands = Counter(name.split("_")[2][:3] for name in found if family_of(name) == "wavelet")
    assert all(bands[name] == in_a_band for name in ("lll", "lhh", "hhh"))
    assert all(np.isfinite(value) for name, value in found.items() if family_of(name) == "first_order")


@pytest.mark.slow
def test_features_do_not_depend_on_where_the_region_lies_in_the_scan() -> None:
    voxels, mask = lesion(3)
    moved = [np.pad(one, ((7, 0), (0, 4), (3, 3)), mode="edge") for one in (voxels, mask)]
    here, there = (measure_features(*pair, UNIT, PLAIN) for pair in ((voxels, mask), moved))
    kept = [name for name in here if not name.startswith("morph_com")]
    assert [here[name] for name in kept] == pytest.approx([there[name] for name in kept], rel=1e-4, nan_ok=True)


def test_two_masks_of_a_scan_are_resampled_onto_the_same_voxels() -> None:
    rng = np.random.default_rng(4)
    voxels = rng.normal(size=(60, 60, 60)).astype(np.float32)
    small, large = np.zeros((2, 60, 60, 60), dtype=np.bool_)
    small[30:34, 30:34, 30:34], large[20:41, 22:41, 24:41] = True, True
    spacing_mm = (0.7, 0.9, 1.3)
    (inner, _), (outer, region) = (resample_around(voxels, mask, spacing_mm, 1.0) for mask in (small, large))
    place = next(
        start
        for start in np.ndindex(*(np.array(outer.shape) - inner.shape + 1))
        if np.allclose(outer[tuple(map(slice, start, np.add(start, 3)))], inner[:3, :3, :3], atol=1e-5)
    )
    inside = outer[tuple(slice(start, start + length) for start, length in zip(place, inner.shape, strict=True))]
    assert np.allclose(inside, inner, atol=1e-5)
    assert region.sum() == pytest.approx(large.sum() * np.prod(spacing_mm), rel=0.05)


def test_an_empty_region_is_refused_and_options_that_cannot_be_meant() -> None:
    voxels, mask = lesion(5)
    with pytest.raises(DataError, match="holds no voxel"):
        measure_features(voxels, np.zeros_like(mask), UNIT, PLAIN)
    with pytest.raises(DataError, match="--spacing is -1"):
        RadiomicsOptions(spacing_mm=-1)
    with pytest.raises(DataError, match="--bins is 1"):
        RadiomicsOptions(bins=1)


def test_nothing_is_said_on_the_terminal_and_the_log_stays_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    before = list(logging.getLogger().handlers)
    measure_features(*lesion(6), UNIT, PLAIN)
    assert capsys.readouterr() == ("", "")
    assert logging.getLogger().handlers == before
