"""Areas under ROC curves of cases, against what is counted by hand and by other ways."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from autoseg.evaluation.statistics.roc import compare_areas, find_area

OUTCOMES = np.array([True, True, True, False, False, False, False])
FIRST = np.array([0.9, 0.8, 0.3, 0.7, 0.3, 0.2, 0.1])
SECOND = np.array([0.4, 0.9, 0.2, 0.8, 0.5, 0.3, 0.1])


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    area = find_area(FIRST, OUTCOMES)
    assert area is not None
    # 4 + 4 pairs, and of the third case two and a half of four.
    assert area.value == pytest.approx(10.5 / 12)
    assert (area.positives, area.negatives) == (3, 4)


def test_the_interval_follows_from_the_shares_of_each_case() -> None:
    """Hand-computed: shares of the positives 1, 1, 2.5/4; of the negatives 2/3, 2.5/3, 1, 1."""
    area = find_area(FIRST, OUTCOMES)
    assert area is not None
    variance = np.var([1, 1, 0.625], ddof=1) / 3 + np.var([2 / 3, 2.5 / 3, 1, 1], ddof=1) / 4
    half = 1.959964 * np.sqrt(variance)
    assert area.ci95 == pytest.approx((10.5 / 12 - half, min(1.0, 10.5 / 12 + half)), abs=1e-6)


def test_two_scores_are_compared_pair_by_pair() -> None:
    """Hand-computed: the differences of the shares are -.25 - 0 ..., as listed."""
    found = compare_areas(FIRST, SECOND, OUTCOMES)
    assert found is not None
    # Of the second: 2, 4 and 1 of four pairs are in order.
    assert found.second.value == pytest.approx(7 / 12)
    assert found.difference == pytest.approx(-3.5 / 12)
    of_positives = np.array([2 / 4 - 1, 0.0, 1 / 4 - 2.5 / 4])
    of_negatives = np.array([1 / 3 - 2 / 3, 1 / 3 - 2.5 / 3, 2 / 3 - 1, 0.0])
    spread = np.sqrt(of_positives.var(ddof=1) / 3 + of_negatives.var(ddof=1) / 4)
    assert found.ci95 is not None
    assert found.ci95[1] - found.difference == pytest.approx(1.959964 * spread, rel=1e-6)


def test_scores_that_order_cases_alike_do_not_differ() -> None:
    found = compare_areas(FIRST, FIRST * 2 - 7, OUTCOMES)
    assert found is not None
    assert (found.difference, found.ci95, found.p) == (0.0, (0.0, 0.0), 1.0)


def test_perfect_order_is_not_called_exact_and_a_difference_in_all_pairs_is_no_proof() -> None:
    """The formula's variance is 0 then, whose interval has no width and whose p-value is 0, even of four cases."""
    outcomes = np.array([True, True, False, False])
    found = compare_areas(outcomes.astype(float), np.zeros(4), outcomes)
    assert found is not None
    assert (found.first.value, found.first.ci95, found.second.value) == (1.0, None, 0.5)
    assert (found.difference, found.ci95, found.p) == (-0.5, None, None)


def test_without_cases_of_both_kinds_there_is_no_area() -> None:
    assert find_area(FIRST, np.ones(7, dtype=bool)) is None
    assert compare_areas(FIRST, SECOND, np.zeros(7, dtype=bool)) is None
    lone = find_area(FIRST, np.arange(7) == 0)
    assert lone is not None
    assert (lone.value, lone.ci95) == (1.0, None)


def test_areas_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        outcomes = rng.random(30) < 0.4
        scores = np.round(rng.normal(size=30) + outcomes, 1)
        if outcomes.any() and not outcomes.all():
            found = find_area(scores, outcomes)
            assert found is not None
            assert found.value == pytest.approx(roc_auc_score(outcomes, scores))


def test_the_test_rejects_as_often_as_it_says_where_nothing_differs() -> None:
    """300 data sets of 60 cases; 5 % of 300 is 15 with an sd of 3.8."""
    rng = np.random.default_rng(0)
    rejected, covered = 0, 0
    for _ in range(300):
        outcomes = np.arange(60) < 25
        signal = rng.normal(size=60) + outcomes
        pair = [signal + rng.normal(size=60) for _ in range(2)]
        found = compare_areas(pair[0], pair[1], outcomes)
        assert found is not None
        assert found.p is not None
        assert found.ci95 is not None
        rejected += found.p < 0.05
        covered += found.ci95[0] <= 0 <= found.ci95[1]
    assert 4 <= rejected <= 28
    assert rejected + covered == 300
