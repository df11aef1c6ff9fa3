from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from autoseg.preprocessing.resampling import apply_matrices, resampling_matrix
from autoseg.preprocessing.rounding import rank_labels, settle
from tests.synthetic.scans import blob

HALVES = (resampling_matrix(8, 4, "area"),) * 3
DOUBLES = (sparse.csr_array(np.repeat(np.eye(4, dtype=np.float32), 2, axis=0)),) * 3


def test_the_two_largest_shares_are_ranked():
    labels = np.zeros((8, 8, 8), dtype=np.uint8)
    labels[:2, :2, :2] = [[[1, 1], [1, 1]], [[2, 2], [2, 0]]]
    ranked = rank_labels(labels, HALVES, 3)
    place = (0, 0, 0)
    assert (ranked.first[place], ranked.second[place]) == (1, 2)
    assert (ranked.first_share[place], ranked.second_share[place]) == pytest.approx((4 / 8, 3 / 8))
    assert not ranked.first[1:].any()


def test_background_takes_a_voxel_that_it_shares_by_half():
    labels = np.zeros((8, 8, 8), dtype=np.uint8)
    labels[0, :2, :2] = 1
    assert rank_labels(labels, HALVES, 2).first[0, 0, 0] == 0


def test_choices_lower_the_number_of_wrong_voxels_until_none_can():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (8, 8, 8)).astype(np.uint8)
    ranked = rank_labels(labels, HALVES, 3)
    # Any change from the most frequent label of a block of eight to another adds wrong voxels when blocks are filled.
    assert np.array_equal(settle(ranked, labels, DOUBLES), ranked.first)


def test_fewer_restored_voxels_are_wrong_than_with_the_largest_shares():
    labels = blob((24, 24, 24), (11.7, 12.2, 11.9), 5).astype(np.uint8)
    back = tuple(resampling_matrix(16, 24, "linear") for _ in range(3))
    ranked = rank_labels(labels, tuple(resampling_matrix(24, 16, "area") for _ in range(3)), 2)
    wrong = [
        np.count_nonzero((apply_matrices((chosen == 1).astype(np.float32), back) > 0.5) != (labels == 1))
        for chosen in (ranked.first, settle(ranked, labels, back))
    ]
    assert wrong[1] < wrong[0]
