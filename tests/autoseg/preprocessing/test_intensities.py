from __future__ import annotations

import numpy as np
import pytest

from autoseg.preprocessing.intensities import normalize
from planners.choices import Choice
from planners.parts import NORMALIZATIONS
from tests.synthetic.scans import blob

SHAPE = (12, 13, 14)
BODY = blob(SHAPE, (6, 6, 7), 5)
WINDOW = {"lower": -50.0, "upper": 120.0, "mean": 40.0, "sd": 20.0}
# Options of normalisations that have no defaults for them.
NEEDED = {"ct": WINDOW, "ct_window": {"level": 40.0, "width": 80.0}}


def scan():
    voxels = np.random.default_rng(0).normal(60, 30, SHAPE).astype(np.float32)
    voxels[~BODY] = -1000
    return voxels


def normalized(name, **options):
    return normalize(scan()[None], BODY, (Choice(name=name, options=options),))[0]


@pytest.mark.parametrize("name", list(NORMALIZATIONS))
def test_every_normalisation_gives_finite_numbers_of_the_same_shape(name):
    image = normalized(name, **NEEDED.get(name, {}))
    assert (image.shape, image.dtype) == (SHAPE, np.float32)
    assert np.isfinite(image).all()


@pytest.mark.parametrize("name", list(NORMALIZATIONS))
def test_a_constant_scan_does_not_divide_by_zero(name):
    constant = np.full((1, *SHAPE), 7.0, dtype=np.float32)
    choice = Choice(name=name, options=NEEDED.get(name, {}))
    assert np.isfinite(normalize(constant, BODY, (choice,))).all()


def test_a_z_score_counts_every_voxel_and_a_z_score_of_the_body_its_own():
    whole, body = normalized("zscore"), normalized("zscore_body")
    assert (whole.mean(), whole.std()) == pytest.approx((0, 1), abs=1e-4)
    assert (body[BODY].mean(), body[BODY].std()) == pytest.approx((0, 1), abs=1e-4)
    assert not body[~BODY].any()


def test_ct_is_clipped_to_its_window_and_scaled_by_the_data_sets_figures():
    image = normalized("ct", **WINDOW)
    assert np.allclose(image, (np.clip(scan(), -50, 120) - 40) / 20, atol=1e-5)


def test_rescaling_maps_the_range_to_one():
    image = normalized("rescale")
    assert (image.min(), image.max()) == (0, 1)


def test_percentiles_of_the_body_clip_the_body():
    image = normalized("zscore_body", lower_percentile=5.0, upper_percentile=95.0)
    low, high = np.percentile(scan()[BODY], (5, 95))
    clipped = np.clip(scan(), low, high)
    expected = (clipped - clipped[BODY].mean(dtype=np.float64)) / clipped[BODY].std(dtype=np.float64)
    assert np.allclose(image[BODY], expected[BODY], atol=1e-5)
    assert image[BODY].max() == pytest.approx(expected[BODY].max(), abs=1e-5)
    assert not image[~BODY].any()


def test_percentiles_without_a_body_are_those_of_the_whole_scan():
    image = normalized("zscore", upper_percentile=90.0)
    share_at_the_top = np.mean(image == image.max())
    assert share_at_the_top == pytest.approx(0.1, abs=0.002)


def test_channels_are_normalised_each_in_its_own_way():
    voxels = np.stack([scan(), scan()])
    image = normalize(voxels, BODY, (Choice(name="none"), Choice(name="zscore")))
    assert np.array_equal(image[0], voxels[0])
    assert image[1].mean() == pytest.approx(0, abs=1e-4)


def test_percentiles_of_the_body_become_the_ends_of_a_range():
    image = normalized("percentile_range", low=-1.0, high=3.0)
    low, high = np.percentile(scan()[BODY], (0.5, 99.5))
    expected = -1 + 4 * (np.clip(scan(), low, high) - low) / (high - low)
    assert np.allclose(image[BODY], expected[BODY], atol=1e-5)
    assert (image[BODY].min(), image[BODY].max()) == pytest.approx((-1, 3), abs=1e-5)
    assert not image[~BODY].any()


def test_a_percentile_map_without_clipping_goes_on_in_a_straight_line():
    """The least and the largest voxel lie beyond the percentiles, and every difference has the same factor."""
    image = normalized("percentile_range", lower_percentile=10.0, upper_percentile=90.0, clip=False)
    low, high = np.percentile(scan()[BODY], (10, 90))
    assert image[BODY].min() < 0 < 1 < image[BODY].max()
    assert np.allclose(image[BODY], (scan()[BODY] - low) / (high - low), atol=1e-5)


def test_percentiles_of_scans_with_a_skull_count_what_is_above_the_mean():
    inside = scan()[BODY]
    low, high = np.percentile(inside[inside > inside.mean()], (0.5, 99.5))
    image = normalized("percentile_range", clip=False, brain_only=False)
    assert np.allclose(image[BODY], (inside - low) / (high - low), atol=1e-5)


def test_a_scan_without_a_body_has_no_percentiles_and_becomes_empty():
    choice = Choice(name="percentile_range")
    assert not normalize(scan()[None], np.zeros_like(BODY), (choice,)).any()


def test_a_fixed_window_is_the_same_for_every_scan():
    """Level 450 and width 5000 are -2050 to 2950 HU, which become 0 and 1: half of it is level 450."""
    values = np.array([-3000, -2050, 450, 2950, 4000], dtype=np.float32).reshape(1, 5, 1, 1)
    choice = Choice(name="ct_window", options={"level": 450.0, "width": 5000.0})
    image = normalize(values, np.ones((5, 1, 1), dtype=bool), (choice,))
    assert image.ravel().tolist() == [0, 0, 0.5, 1, 1]


# All that bring intensities to a scale of their own.
SCALING = ("percentile_range", "rescale", "white_stripe", "zscore", "zscore_body")


# Powers of two multiply without rounding. By the first, scans are like diffusion coefficients in m2/s: about 1e-9.
@pytest.mark.parametrize("unit", [2.0**-40, 2.0**-80, 2.0**40])
@pytest.mark.parametrize("name", SCALING)
def test_scans_in_another_unit_become_the_same(name, unit):
    image = normalize(scan()[None] * np.float32(unit), BODY, (Choice(name=name),))[0]
    assert image[BODY].std() > 0.01
    np.testing.assert_allclose(image, normalized(name), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("value", [1e-9, 1000.0])
@pytest.mark.parametrize("name", SCALING)
def test_the_rounding_of_single_precision_is_no_contrast(name, value):
    low = np.float32(value)
    high = np.nextafter(low, np.float32(np.inf))
    voxels = np.where(np.random.default_rng(1).random((1, *SHAPE)) < 0.5, low, high)
    assert not normalize(voxels, BODY, (Choice(name=name),)).any()


@pytest.mark.parametrize("name", ["zscore", "rescale"])
def test_a_least_divisor_takes_the_place_of_smaller_deviations_and_ranges(name):
    voxels = scan()[None] * np.float32(2.0**-40)
    divisor = voxels.std(dtype=np.float64) if name == "zscore" else float(voxels.max()) - float(voxels.min())
    image = normalize(voxels, BODY, (Choice(name=name),), 1e-8)
    plain = normalize(voxels, BODY, (Choice(name=name),))
    np.testing.assert_allclose(image, plain * (divisor / 1e-8), rtol=1e-4, atol=1e-6)
