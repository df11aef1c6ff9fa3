"""White stripes of scans whose tissues are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from autoseg.preprocessing.intensities import normalize
from autoseg.preprocessing.white_stripe import find_white_stripe, smooth_histogram
from planners.choices import Choice

# Mean, deviation and share of cerebrospinal fluid, grey matter, white matter and a lesion.
T1 = ((25.0, 8.0, 0.15), (60.0, 6.0, 0.45), (90.0, 4.0, 0.38), (130.0, 10.0, 0.02))
# The largest peak is white matter here, and grey matter is brighter.
FLAIR = ((15.0, 6.0, 0.30), (70.0, 5.0, 0.50), (110.0, 6.0, 0.18), (180.0, 12.0, 0.02))
SHAPE = (40, 50, 40)


def mix(tissues: tuple[tuple[float, float, float], ...], shape: tuple[int, ...] = SHAPE, seed: int = 0) -> NDArray:
    """Return voxels of these tissues in any order; their shares need not add up to 1."""
    rng = np.random.default_rng(seed)
    shares = np.array([share for _, _, share in tissues])
    kinds = rng.choice(len(tissues), shape, p=shares / shares.sum())
    means, deviations = (np.array([tissue[column] for tissue in tissues]) for column in (0, 1))
    return rng.normal(means[kinds], deviations[kinds]).astype(np.float32)


def stripe(voxels: NDArray, body: NDArray | None = None, **options: object) -> NDArray:
    body = np.ones(voxels.shape, dtype=bool) if body is None else body
    return normalize(voxels[None], body, (Choice(name="white_stripe", options=dict(options)),))[0]


@pytest.mark.parametrize(
    ("tissues", "peak", "brain_only", "expected"),
    [
        (T1, "last", True, 90.0),
        (T1, "last", False, 90.0),
        (FLAIR, "largest", True, 70.0),
        (FLAIR, "largest", False, 70.0),
        (FLAIR, "last", True, 110.0),
    ],
)
def test_the_peak_asked_for_becomes_zero(
    tissues: tuple[tuple[float, float, float], ...], peak: str, brain_only: bool, expected: float
) -> None:
    voxels = mix(tissues)
    result = stripe(voxels, peak=peak, brain_only=brain_only)
    # An affine map of intensities: where it is 0 is the stripe's mean.
    slope, offset = np.polyfit(voxels.ravel(), result.ravel(), 1)
    assert -offset / slope == pytest.approx(expected, abs=1.0)


def test_the_stripe_is_as_wide_as_its_share_of_the_voxels() -> None:
    values = mix(T1).ravel()
    for width in (0.02, 0.05, 0.1):
        found = find_white_stripe(values, "last", width)
        assert found is not None
        low, high = found
        assert np.mean((values >= low) & (values <= high)) == pytest.approx(2 * width, abs=2e-3)


def test_by_hand_it_is_the_mean_and_the_deviation_of_the_stripe() -> None:
    voxels = mix(T1)
    found = find_white_stripe(voxels.ravel(), "last", 0.05)
    assert found is not None
    inside = voxels[(voxels >= found[0]) & (voxels <= found[1])].astype(np.float64)
    expected = (voxels - inside.mean()) / inside.std()
    np.testing.assert_allclose(stripe(voxels, brain_only=True), expected, atol=1e-3)


@pytest.mark.parametrize(("gain", "offset"), [(0.01, 0.0), (1.0, 500.0), (37.0, -200.0)])
def test_another_scale_of_the_scanner_gives_the_same_image(gain: float, offset: float) -> None:
    voxels = mix(T1)
    # float32 holds seven digits, and the stripe's deviation is a tenth of white matter's.
    np.testing.assert_allclose(stripe(voxels * np.float32(gain) + np.float32(offset)), stripe(voxels), atol=0.05)


def test_a_lesion_as_large_as_an_eighth_of_the_brain_does_not_move_white_matter() -> None:
    sick = (*T1[:3], (130.0, 10.0, 0.14))
    for tissues in (T1, sick):
        found = find_white_stripe(mix(tissues).ravel(), "last", 0.05)
        assert found is not None
        assert sum(found) / 2 == pytest.approx(90.0, abs=1.5)


def test_whole_numbers_are_smoothed_over_their_steps() -> None:
    coarse = np.round(mix(((2.0, 0.8, 0.2), (6.0, 0.9, 0.4), (12.0, 1.0, 0.4))))
    found = find_white_stripe(coarse.ravel().astype(np.float32), "last", 0.05)
    assert found is not None
    assert found[0] <= 12.0 <= found[1]
    density, middles = smooth_histogram(coarse.ravel().astype(np.float32))
    rising = np.diff(density) > 0
    peaks = middles[1:-1][rising[:-1] & ~rising[1:] & (density[1:-1] > 0.1 * density.max())]
    np.testing.assert_allclose(peaks, [2, 6, 12], atol=0.5)


def test_one_bright_voxel_does_not_squeeze_the_histogram() -> None:
    voxels = mix(T1)
    bright = voxels.copy()
    bright[3, 4, 5] = 1e6
    one, other = (find_white_stripe(some.ravel(), "last", 0.05) for some in (voxels, bright))
    assert one == pytest.approx(other, abs=0.5)


def test_air_around_a_head_does_not_count() -> None:
    voxels = np.zeros((60, 60, 60), dtype=np.float32)
    rng = np.random.default_rng(3)
    voxels += np.abs(rng.normal(0, 2, voxels.shape)).astype(np.float32)
    voxels[10:50, 5:55, 10:50] = mix(T1)
    result = stripe(voxels)
    slope, offset = np.polyfit(voxels.ravel(), result.ravel(), 1)
    assert -offset / slope == pytest.approx(90.0, abs=1.0)


def test_outside_of_the_body_is_zero() -> None:
    voxels = mix(T1)
    body = np.zeros(SHAPE, dtype=bool)
    body[5:35, 5:45, 5:35] = True
    assert not stripe(voxels, body)[~body].any()


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 2, 1), (4, 5, 6), (30, 30, 1)])
@pytest.mark.parametrize("peak", ["last", "largest"])
def test_small_and_flat_scans_stay_finite(shape: tuple[int, int, int], peak: str) -> None:
    for voxels in (mix(T1, shape), np.zeros(shape, dtype=np.float32), np.full(shape, -3.0, dtype=np.float32)):
        for body in (np.ones(shape, dtype=bool), np.zeros(shape, dtype=bool)):
            assert np.isfinite(stripe(voxels, body, peak=peak)).all()


def test_a_scan_without_a_peak_is_standardised_by_what_counts() -> None:
    voxels = mix(T1, (4, 5, 4))
    result = stripe(voxels, brain_only=True)
    assert (result.mean(), result.std()) == pytest.approx((0.0, 1.0), abs=1e-4)


def test_a_mask_as_a_scan_stays_finite() -> None:
    voxels = np.zeros(SHAPE, dtype=np.float32)
    voxels[10:20, 10:20, 10:20] = 1
    for brain_only in (True, False):
        result = stripe(voxels, brain_only=brain_only)
        assert np.isfinite(result).all()
        assert np.abs(result).max() < 1e9


def test_shading_is_taken_out_first_where_that_is_asked_for() -> None:
    """A slope of a factor of two across the scan blurs both peaks."""
    voxels = np.abs(mix(T1, (48, 48, 48)))
    # Tissue in layers, so that shading is not mixed up with it.
    shading = np.linspace(0.7, 1.4, 48, dtype=np.float32)[:, None, None]
    plain, corrected = (stripe(voxels * shading, bias_correction=flag) for flag in (False, True))
    white = (voxels > 82) & (voxels < 98)
    spread = [
        float(image[white].std() / (image[white].mean() - image[voxels < 40].mean())) for image in (plain, corrected)
    ]
    assert spread[1] < 0.7 * spread[0]


@pytest.mark.parametrize("lowest", [1e-40, 1.0, 1000.0, 3e38])
def test_a_stripe_is_found_in_a_range_that_holds_few_numbers_of_32_bits(lowest: float) -> None:
    start = np.float32(lowest)
    steps = np.random.default_rng(0).binomial(60, 0.5, SHAPE).astype(np.float32)
    # Neighbouring numbers: fewer than the histogram has bins.
    found = find_white_stripe((start + steps * np.spacing(start)).ravel(), "largest", 0.05)
    assert found is not None
    low, high = (np.array(found) - float(start)) / float(np.spacing(start))
    assert 28 <= low <= 30 <= high <= 32
