"""Agreement of two masks on features, and the shares that are kept."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation.statistics.agreement import find_concordance
from autoseg.radiomics import count_kept, rate_features
from autoseg.radiomics.agreement import is_kept

NAMES = ("morph_volume", "stat_mean", "stat_var", "cm_contrast", "wavelet_coif1_lll_stat_mean", "age")
FIRST = np.array(
    [
        [1.0, 5.0, 2.0, 1e9, 3.0, 0.0],
        [2.0, 6.0, 2.0, 3e9, 1.0, 0.0],
        [4.0, 9.0, 2.0, 2e9, 2.0, 0.0],
        [3.0, 7.0, 2.0, 5e9, np.nan, 0.0],
    ]
)
SECOND = FIRST * np.array([1.0, 1.0, 1.0, 1.01, 1.0, 1.0]) + np.array([0.0, 3.0, 0.0, 0.0, 0.0, 1.0])


def test_each_feature_is_rated_by_both_coefficients_and_what_is_none_is_left_out() -> None:
    rated = {one.name: one for one in rate_features(NAMES, FIRST, SECOND)}
    assert list(rated) == list(NAMES[:-1])
    assert (rated["morph_volume"].value("ccc"), rated["stat_var"].value("ccc")) == (1.0, 1.0)
    # A shift by 3 costs concordance, and no consistency. Variance of 5, 6, 9, 7: 2.1875.
    assert rated["stat_mean"].value("ccc") == pytest.approx(2 * 2.1875 / (2 * 2.1875 + 9))
    assert rated["stat_mean"].value("icc") == pytest.approx(1.0)
    assert rated["wavelet_coif1_lll_stat_mean"].n == 3


def test_the_coefficient_of_large_numbers_is_that_of_small_ones() -> None:
    (rated,) = rate_features(("cm_contrast",), FIRST[:, 3:4], SECOND[:, 3:4])
    expected = find_concordance(FIRST[:, 3] / 1e9, SECOND[:, 3] / 1e9)
    assert rated.concordance.value == pytest.approx(expected.value)
    assert rated.concordance.ci95 == pytest.approx(expected.ci95)


def test_features_above_the_cut_off_are_kept_by_family() -> None:
    rated = rate_features(NAMES, FIRST, SECOND)
    shares = {share.family: (share.kept, share.of, share.percent()) for share in count_kept(rated, "ccc", 0.8)}
    assert shares == {
        "shape": (1, 1, 100.0),
        "first_order": (1, 2, 50.0),
        "texture": (1, 1, 100.0),
        "wavelet": (1, 1, 100.0),
    }
    assert {share.family: share.kept for share in count_kept(rated, "icc", 0.8)}["first_order"] == 2


def test_a_feature_of_too_few_cases_is_not_kept() -> None:
    (rated,) = rate_features(("stat_mean",), FIRST[:2, 1:2], FIRST[:2, 1:2])
    assert (rated.value("ccc"), rated.n) == (None, 2)
    assert not is_kept(rated, "ccc", 0.0)
