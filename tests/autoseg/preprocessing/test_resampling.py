from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from autoseg.preprocessing.resampling import resample, target_shape

ORDERS = {"cubic": 3, "linear": 1}


def centres(shape, target):
    grids = [np.clip((np.arange(t) + 0.5) * n / t - 0.5, 0, n - 1) for n, t in zip(shape, target, strict=True)]
    return np.meshgrid(*grids, indexing="ij")


@pytest.mark.parametrize("kind", ["cubic", "linear"])
@pytest.mark.parametrize("target", [(31, 22, 25), (9, 30, 40), (20, 30, 25)])
def test_one_matrix_per_axis_equals_scipy_in_three_dimensions(kind, target):
    voxels = np.random.default_rng(0).normal(size=(20, 30, 25)).astype(np.float32)
    expected = ndimage.map_coordinates(
        voxels, centres(voxels.shape, target), order=ORDERS[kind], mode="mirror" if kind == "cubic" else "nearest"
    )
    # float32 products of at most 30 terms against scipy's float64.
    assert np.allclose(resample(voxels, target, (kind,) * 3), expected, atol=2e-5)


def test_an_axis_that_keeps_its_length_is_not_touched():
    voxels = np.random.default_rng(0).normal(size=(2, 5, 6, 7)).astype(np.float32)
    assert np.array_equal(resample(voxels, (5, 6, 7), ("cubic",) * 3), voxels)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_axes_too_short_for_a_spline_are_resampled_all_the_same(length):
    voxels = np.arange(length * 16, dtype=np.float32).reshape(length, 4, 4)
    result = resample(voxels, (5, 4, 4), ("cubic",) * 3)
    assert result.shape == (5, 4, 4)
    assert voxels.min() <= result.min() <= result.max() <= voxels.max()


@pytest.mark.parametrize("target", [7, 8, 13])
def test_area_takes_the_mean_of_what_a_voxel_covers(target):
    values = np.random.default_rng(0).normal(size=20).astype(np.float32)
    # On a grid that both lengths divide, the mean over a target voxel's stretch is exact.
    stretches = np.repeat(values, target).reshape(target, 20)
    resampled = resample(values[:, None, None], (target, 1, 1), ("area",) * 3)[:, 0, 0]
    assert np.allclose(resampled, stretches.mean(axis=1), atol=1e-6)


def test_the_target_shape_covers_the_same_millimetres():
    assert target_shape((100, 50, 7), (1.0, 2.0, 5.0), (2.0, 1.0, 50.0)) == (50, 100, 1)


def test_a_single_slice_stays_one_whatever_its_thickness():
    assert target_shape((10, 10, 1), (1.0, 1.0, 8.0), (1.0, 1.0, 1.0)) == (10, 10, 1)
