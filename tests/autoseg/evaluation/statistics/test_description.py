"""Mean, spread and interval of a made-up table with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation.statistics import measure_statistics

# Nine cases: mean 0.5, sum of squares around it 0.6.
VALUES = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])


def test_mean_spread_and_median_are_those_by_hand() -> None:
    found = measure_statistics(VALUES)
    assert found.mean == pytest.approx(0.5)
    assert found.sd == pytest.approx(np.sqrt(0.6 / 8))
    assert found.median == pytest.approx(0.5)
    assert found.n == 9


def test_the_interval_of_a_mean_is_near_that_of_the_normal_distribution() -> None:
    values = np.tile(VALUES, 20)
    low, high = measure_statistics(values, resamples=20_000).ci95
    half = 1.96 * values.std() / np.sqrt(len(values))
    # Bounds of 20,000 resamples have a standard error of about 3 % of the mean's.
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), abs=0.1 * half)


def test_four_subjects_have_no_interval_however_many_cases() -> None:
    subjects = ["a", "b", "c", "d"] * 3
    assert measure_statistics(np.arange(12.0), units=subjects).ci95 is None
    assert measure_statistics(np.arange(12.0), units=[*subjects[:-1], "e"]).ci95 is not None


def test_the_kind_of_interval_can_be_chosen() -> None:
    values = np.random.default_rng(0).beta(8, 1, size=30)
    assert measure_statistics(values, kind="percentile").ci95 != measure_statistics(values).ci95
