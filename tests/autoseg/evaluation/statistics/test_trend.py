"""A score over the logarithm of a size: slope, interval and R2 beside scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from autoseg.evaluation.statistics.trend import find_trend

GENERATOR = np.random.default_rng(0)
SIZES = 10 ** GENERATOR.uniform(-1, 2, size=60)
SCORES = np.clip(0.5 + 0.15 * np.log10(SIZES) + GENERATOR.normal(0, 0.1, size=60), 0, 1)


def test_the_line_is_that_of_least_squares() -> None:
    found, scipys = find_trend(SCORES, SIZES), stats.linregress(np.log10(SIZES), SCORES)
    assert found is not None
    assert found.slope == pytest.approx(scipys.slope)
    assert found.intercept == pytest.approx(scipys.intercept)
    assert found.r2 == pytest.approx(scipys.rvalue**2)


def test_the_interval_holds_the_slope_and_is_about_as_wide_as_the_usual_one() -> None:
    found, scipys = find_trend(SCORES, SIZES), stats.linregress(np.log10(SIZES), SCORES)
    assert found is not None
    low, high = found.slope_ci95
    assert low < found.slope < high
    # The spread is the same at all sizes here, so that both agree but for the noise of either.
    assert high - low == pytest.approx(2 * 1.96 * scipys.stderr, rel=0.3)


def test_sessions_of_subjects_widen_the_interval() -> None:
    units = np.repeat(np.arange(60), 2)
    twice = find_trend(np.repeat(SCORES, 2), np.repeat(SIZES, 2), units)
    once = find_trend(SCORES, SIZES)
    assert twice is not None
    assert once is not None
    assert twice.slope_ci95 == pytest.approx(once.slope_ci95)


def test_equal_sizes_have_no_line_and_equal_scores_no_r2() -> None:
    assert find_trend(SCORES, np.full(60, 3.0)) is None
    flat = find_trend(np.full(60, 0.5), SIZES)
    assert flat is not None
    assert (flat.slope, flat.r2) == (pytest.approx(0.0), None)


def test_few_cases_have_a_line_without_an_interval() -> None:
    found = find_trend(np.array([0.2, 0.5, 0.9]), np.array([1.0, 10.0, 100.0]))
    assert found is not None
    assert found.slope == pytest.approx(0.35)
    assert found.slope_ci95 is None
