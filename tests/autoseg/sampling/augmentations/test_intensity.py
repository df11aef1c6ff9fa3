from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from autoseg.sampling.augmentations.contrast import (
    apply_brightness,
    apply_contrast,
    apply_gamma,
    apply_inverted_gamma,
    sample_factor,
)
from autoseg.sampling.augmentations.intensity import Intensity, apply_intensity
from autoseg.sampling.augmentations.noise import Noise, apply_noise
from autoseg.sampling.augmentations.resolution import apply_blur, apply_low_resolution
from autoseg.sampling.augmentations.rows import Chance, sample_per_channel
from tests.autoseg.sampling.builders import noise_rows

SINGLE = {"rtol": 1e-4, "atol": 1e-5}  # float32 sums over a few thousand values about 3


def test_brightness_multiplies() -> None:
    rows = noise_rows()
    expected = rows.numpy() * np.array([0.8, 1.2], dtype=np.float32).reshape(2, 1, 1, 1)
    np.testing.assert_allclose(apply_brightness(rows, [0.8, 1.2]).numpy(), expected, **SINGLE)


def test_contrast_stretches_about_the_mean_and_keeps_the_range() -> None:
    rows = noise_rows()
    changed = apply_contrast(rows, [1.25, 0.75]).numpy()
    for row, result, factor in zip(rows.numpy(), changed, (1.25, 0.75), strict=True):
        expected = np.clip((row - row.mean()) * factor + row.mean(), row.min(), row.max())
        np.testing.assert_allclose(result, expected, **SINGLE)


@pytest.mark.parametrize(("apply", "sign"), [(apply_gamma, 1), (apply_inverted_gamma, -1)])
def test_gamma_bends_the_values_but_keeps_mean_and_deviation(apply, sign: int) -> None:
    rows = noise_rows()
    changed = apply(rows, [0.7, 1.5]).numpy()
    for row, result, exponent in zip(rows.numpy().astype(np.float64), changed, (0.7, 1.5), strict=True):
        signed = sign * row
        curved = ((signed - signed.min()) / np.ptp(signed)) ** exponent
        expected = sign * ((curved - curved.mean()) / curved.std() * signed.std() + signed.mean())
        np.testing.assert_allclose(result, expected, **SINGLE)
        np.testing.assert_allclose([result.mean(), result.std()], [row.mean(), row.std()], **SINGLE)


@pytest.mark.parametrize("apply", [apply_contrast, apply_gamma, apply_inverted_gamma])
def test_a_constant_image_stays_as_it_is(apply) -> None:
    rows = torch.full((1, 5, 5, 5), -2.5)
    torch.testing.assert_close(apply(rows, [1.3]), rows)


@pytest.mark.parametrize("shape", [(14, 12, 16), (3, 20, 5), (15, 9)])
def test_blur_equals_scipy(shape: tuple[int, ...]) -> None:
    rows = noise_rows(shape=shape)
    sigmas = [(0.5, 0.9, 0.7)[: len(shape)], (1.0, 0.6, 0.8)[: len(shape)]]
    blurred = apply_blur(rows, sigmas).numpy()
    for row, result, sigma in zip(rows.numpy(), blurred, sigmas, strict=True):
        np.testing.assert_allclose(result, ndimage.gaussian_filter(row, sigma), **SINGLE)


@pytest.mark.parametrize("shape", [(14, 12, 17), (15, 9)])
def test_low_resolution_equals_going_down_and_up_again(shape: tuple[int, ...]) -> None:
    rows, zooms = noise_rows(shape=shape), (0.53, 0.87)
    mode = {2: "bilinear", 3: "trilinear"}[len(shape)]
    changed = apply_low_resolution(rows, [(zoom,) * len(shape) for zoom in zooms])
    for row, result, zoom in zip(rows, changed, zooms, strict=True):
        coarse = F.interpolate(row[None, None], [round(edge * zoom) for edge in shape], mode="nearest-exact")
        torch.testing.assert_close(result, F.interpolate(coarse, shape, mode=mode)[0, 0], **SINGLE)


def test_a_zoom_of_one_changes_nothing() -> None:
    rows = noise_rows()
    torch.testing.assert_close(apply_low_resolution(rows, [(1.0, 1.0, 1.0)] * 2), rows)


def test_noise_has_its_deviation_and_follows_its_seed() -> None:
    rows = torch.full((3, 40, 40, 40), 2.0)
    noises = [Noise(deviation=0.1, seed=1), Noise(deviation=0.05, seed=2), Noise(deviation=0.1, seed=1)]
    noisy = apply_noise(rows, noises)
    torch.testing.assert_close(noisy[0], noisy[2], rtol=0, atol=0)
    # 64,000 draws: the standard deviation is known to 0.3 %, here five times that.
    np.testing.assert_allclose(noisy.std((1, 2, 3)).numpy(), [0.1, 0.05, 0.1], rtol=0.015)
    np.testing.assert_allclose(noisy.mean((1, 2, 3)).numpy(), 2.0, atol=0.002)


@pytest.mark.parametrize(("low", "high"), [(0.75, 1.25), (0.7, 1.5)])
def test_half_of_the_factors_lie_below_one(low: float, high: float) -> None:
    rng = np.random.default_rng(0)
    factors = np.array([sample_factor(rng, low, high) for _ in range(4000)])
    assert factors.min() >= low
    assert factors.max() <= high
    # Five standard deviations of the share, and of the mean of 2000 draws on the wider side.
    assert abs((factors < 1).mean() - 0.5) < 0.04
    assert abs(factors[factors < 1].mean() - (1 + low) / 2) < 0.017
    assert abs(factors[factors > 1].mean() - (1 + high) / 2) < 0.017


def test_a_range_on_one_side_of_one_is_drawn_evenly() -> None:
    rng = np.random.default_rng(0)
    factors = [sample_factor(rng, 0.2, 0.4) for _ in range(100)]
    assert 0.2 <= min(factors) < max(factors) <= 0.4


def test_chances_hold_for_samples_and_for_their_channels() -> None:
    rng = np.random.default_rng(0)
    drawn = [sample_per_channel(rng, Chance(sample=0.4, channel=0.5), 2, lambda: 1.0) for _ in range(4000)]
    hit = np.array([[value is not None for value in values] for values in drawn])
    # 0.4 x 0.5 for a channel, 0.4 x 0.75 for a sample; five standard deviations.
    assert np.all(np.abs(hit.mean(axis=0) - 0.2) < 0.032)
    assert abs(hit.any(axis=1).mean() - 0.3) < 0.037


def test_only_the_channels_with_a_value_change() -> None:
    images = noise_rows(count=6).reshape(3, 2, 14, 12, 16)
    changed = images.clone()
    apply_intensity(changed, [Intensity(), Intensity(brightness=(None, 1.2)), Intensity(contrast=(0.8, None))])
    touched = (changed != images).flatten(2).any(dim=2)
    assert touched.tolist() == [[False, False], [False, True], [True, False]]
