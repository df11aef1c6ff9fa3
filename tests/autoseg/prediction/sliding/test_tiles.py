from __future__ import annotations

import numpy as np
import pytest
import torch

from autoseg.prediction.sliding.tiles import flip_sets, gaussian_weights, nnunet_weights, tile_positions, tile_starts
from tests.autoseg.models.nnunet.restated import weigh


def test_starts_agree_with_the_published_example():
    # nnU-Net's own test case: length 110, tile 64, step a half.
    assert tile_starts(110, 64, 0.5) == (0, 23, 46)


@pytest.mark.parametrize("length", [5, 8, 9, 17, 100])
def test_tiles_cover_every_voxel_and_stay_inside(length):
    covered = np.zeros(length, dtype=bool)
    for start in tile_starts(length, 5, 0.5):
        assert 0 <= start <= length - 5
        covered[start : start + 5] = True
    assert covered.all()


def test_a_sliced_axis_is_visited_slice_by_slice():
    assert len(tile_positions((8, 8, 11), (8, 8, 1), 0.5)) == 11


def test_weights_are_largest_in_the_centre_symmetric_and_never_zero():
    weights = gaussian_weights((9, 7, 1), 0.125)
    assert weights.argmax() == weights.numel() // 2
    assert torch.equal(weights, weights.flip((0, 1, 2)))
    assert weights.min() > 0
    assert weights.max() == 1


def test_three_axes_flip_in_eight_ways():
    assert len(set(flip_sets((0, 1, 2)))) == 8


@pytest.mark.parametrize("tile", [(8, 10, 12), (7, 1, 9), (32, 40, 32)])
def test_weights_of_nnunet_are_a_blurred_voxel_in_half_precision(tile: tuple[int, int, int]) -> None:
    expected = weigh(tile) / 10
    # The blur ends four deviations out and is computed otherwise: the last bit of half precision may differ.
    np.testing.assert_allclose(nnunet_weights(tile, 0.125).numpy(), expected, rtol=1.1e-3, atol=6e-9)
