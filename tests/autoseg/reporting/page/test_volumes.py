"""Volumes in the page: how they are made smaller, and what comes out of them again."""

from __future__ import annotations

import gzip
import math

import numpy as np
import pytest

from autoseg.reporting.page.volumes import MOST_VOXELS, choose_step, fit_image, pack_volume, shrink_labels


@pytest.mark.parametrize(
    ("shape", "spacing", "step"),
    [
        ((90, 110, 90), (2.0, 2.0, 2.0), (1, 1, 1)),
        ((197, 233, 189), (1.0, 1.0, 1.0), (2, 2, 2)),
        ((512, 512, 30), (0.5, 0.5, 5.0), (3, 3, 1)),
        ((4000, 3000, 1), (1.0, 1.0, 1.0), (4, 3, 1)),
    ],
)
def test_the_finest_axes_lose_voxels_until_a_volume_fits(shape, spacing, step) -> None:
    assert choose_step(shape, spacing) == step
    assert math.prod(-(-length // factor) for length, factor in zip(shape, step, strict=True)) <= MOST_VOXELS


def test_a_lesion_of_one_voxel_stays() -> None:
    labels = np.zeros((7, 6, 5), dtype=np.uint8)
    labels[6, 5, 4] = 2
    small = shrink_labels(labels, (2, 3, 2))
    assert small.shape == (4, 2, 3)
    assert np.argwhere(small).tolist() == [[3, 1, 2]]
    assert small.max() == 2


@pytest.mark.parametrize("stored", [(20, 12, 16), (10, 12, 8), (40, 24, 32), (31, 17, 23)])
def test_an_image_of_any_resolution_lies_where_its_labels_do(stored) -> None:
    whole, step = (20, 12, 16), (2, 1, 2)
    places = np.meshgrid(*((np.arange(n) + 0.5) / n for n in stored), indexing="ij")
    small = fit_image(sum(places).astype(np.float32), whole, step)
    assert small.shape == (10, 12, 8)
    wanted = sum(np.meshgrid(*((np.arange(n) + 0.5) / n for n in small.shape), indexing="ij"))
    # Ramps stay ramps; at the borders nothing lies beyond the last voxel's centre.
    inside = (slice(2, -2),) * 3
    assert np.abs(small - wanted)[inside].max() < 0.02


def test_a_volume_comes_back_x_first_with_fewer_grey_levels() -> None:
    rng = np.random.default_rng(0)
    scan = rng.uniform(0, 1, (3, 4, 5))
    reference, prediction = (rng.integers(0, 3, (3, 4, 5)).astype(np.uint8) for _ in range(2))
    volume = pack_volume(scan, (0.0, 1.0), (reference, prediction), (1.0, 2.0, 3.0), (1, 2, 3))
    content = np.frombuffer(gzip.decompress(volume.packed), dtype=np.uint8).reshape(3, 5, 4, 3).transpose(0, 3, 2, 1)
    assert np.abs(content[0] / 255 - scan).max() < 1 / 63
    assert np.array_equal(content[1], reference)
    assert np.array_equal(content[2], prediction)
    assert (volume.shape, volume.start) == ((3, 4, 5), (1, 2, 3))


def test_voxels_that_are_no_numbers_are_black() -> None:
    empty = np.zeros((2, 2, 2), dtype=np.uint8)
    volume = pack_volume(np.full((2, 2, 2), np.nan), (0.0, 1.0), (empty, empty), (1.0, 1.0, 1.0), (0, 0, 0))
    assert not any(gzip.decompress(volume.packed))
