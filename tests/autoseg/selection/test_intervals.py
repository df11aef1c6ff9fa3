from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from autoseg.selection.intervals import find_interval, widen


def test_of_a_single_candidate_it_is_students_interval() -> None:
    gains = np.random.default_rng(0).normal(0.1, 1, 40)
    found = find_interval(gains, gains[:, None], np.arange(40))
    low, high = stats.t.interval(0.95, 39, gains.mean(), stats.sem(gains))
    # Quantiles of 2,000 draws lie within a tenth of a standard error.
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.1 * stats.sem(gains))


def test_it_grows_with_the_number_of_candidates_but_not_with_copies_of_one() -> None:
    rng = np.random.default_rng(1)
    tried = rng.normal(size=(60, 50))
    units = np.arange(60)
    one, many, copies = widen(tried[:, :1], units), widen(tried, units), widen(np.repeat(tried[:, :1], 50, 1), units)
    assert copies == pytest.approx(one, rel=0.05)
    assert many > 1.4 * one


def test_cases_of_one_subject_count_once() -> None:
    gains = np.random.default_rng(2).normal(0.1, 1, 30)
    alone = find_interval(gains, gains[:, None], np.arange(30))
    twice = find_interval(np.repeat(gains, 2), np.repeat(gains, 2)[:, None], np.repeat(np.arange(30), 2))
    assert (twice.mean, twice.low, twice.high) == pytest.approx((alone.mean, alone.low, alone.high))


def test_where_nothing_changes_the_interval_is_a_point() -> None:
    found = find_interval(np.zeros(20), np.zeros((20, 3)), np.arange(20))
    assert (found.mean, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize("candidates", [1, 40])
def test_the_largest_of_gains_by_chance_seldom_lies_outside(candidates: int) -> None:
    rng = np.random.default_rng(3)
    outside = 0
    for _ in range(100):
        tried = rng.normal(size=(40, candidates))
        best = tried[:, tried.mean(axis=0).argmax()]
        outside += find_interval(best, tried, np.arange(40)).low > 0
    # 2.5 of 100 are expected; more than 8 are so in one of 1,000 such tests.
    assert outside <= 8
