from __future__ import annotations

import numpy as np
from scipy import ndimage

from autoseg.simulate.fields import build_smooth_field, grid_axes

AXES = grid_axes((9, 8, 7), (2.0, 2.0, 2.0))


def test_smooth_field_has_unit_variance_at_every_voxel() -> None:
    fields = np.stack([build_smooth_field(AXES, 11.0, seed) for seed in range(1500)])
    # The standard error of an SD from 1500 draws is 0.018.
    np.testing.assert_allclose(fields.std(axis=0), 1.0, atol=0.09)
    assert ndimage.gaussian_filter(fields.mean(axis=0), 1).max() < 0.1


def test_field_over_an_extent_is_the_same_at_a_point_on_every_grid() -> None:
    fine = grid_axes((21, 21, 21), (1.0, 1.0, 1.0))
    coarse = (fine[0][4::2], fine[1][::5], fine[2][3:])
    extent = (-50.0, 50.0)
    everywhere = build_smooth_field(fine, 8.0, 3, extent)
    np.testing.assert_allclose(build_smooth_field(coarse, 8.0, 3, extent), everywhere[4::2, ::5, 3:], atol=1e-5)


def test_field_is_constant_beyond_its_extent() -> None:
    axes = grid_axes((30, 4, 4), (1.0, 1.0, 1.0))
    field = build_smooth_field(axes, 4.0, 0, (0.0, 10.0))
    np.testing.assert_allclose(field[11:], np.broadcast_to(field[10:11], field[11:].shape))
    assert np.ptp(field[:10]) > 0.1


def test_length_may_differ_between_axes() -> None:
    axes = grid_axes((40, 40, 40), (1.0, 1.0, 1.0))
    field = build_smooth_field(axes, (12.0, 12.0, 0.0), 1)
    steps = [float(np.abs(np.diff(field, axis=axis)).mean()) for axis in range(3)]
    assert steps[2] > 3 * max(steps[:2])
