"""The study of intervals and tests: it runs, its truths are true, and intervals hold what they promise."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from experiments.statistics import (
    COVERAGE_COLUMNS,
    DISTRIBUTIONS,
    TEST_COLUMNS,
    Scores,
    measure_coverage,
    measure_tests,
)


@pytest.mark.parametrize("scores", DISTRIBUTIONS, ids=lambda scores: scores.name)
def test_the_true_mean_is_that_of_many_scores(scores: Scores) -> None:
    drawn = scores.at(np.random.default_rng(0).random(200_000))
    # Four standard errors.
    assert drawn.mean() == pytest.approx(scores.mean(), abs=4 * drawn.std() / np.sqrt(len(drawn)))
    assert 0 <= drawn.min() <= drawn.max() <= 1


def test_scores_are_as_often_zero_as_they_say() -> None:
    drawn = DISTRIBUTIONS[0].at(np.random.default_rng(0).random(100_000))
    assert np.mean(drawn == 0) == pytest.approx(0.054, abs=0.003)


@pytest.mark.parametrize("scores", DISTRIBUTIONS, ids=lambda scores: scores.name)
def test_intervals_of_50_and_200_cases_hold_the_truth_as_often_as_they_say(scores: Scores) -> None:
    # Those of sessions come behind: nothing asks for them here.
    for found in islice(measure_coverage([scores], (50, 200), repeats=500), 2):
        assert 0.92 <= found.bca <= 0.97, found


def test_sessions_drawn_one_by_one_make_intervals_too_narrow() -> None:
    found = [one for one in measure_coverage(DISTRIBUTIONS[:1], (50,), repeats=500) if one.by_case is not None]
    assert 0.92 <= found[0].bca <= 0.97
    assert found[0].by_case < 0.90
    assert len(found[0].row()) == len(COVERAGE_COLUMNS)


def test_tests_find_the_smallest_difference_in_about_four_of_five_and_nothing_in_one_of_twenty() -> None:
    none, smallest = islice(measure_tests((50,), repeats=300), 2)
    # Shares of 300 have an sd of 1.3 % and 2.3 %.
    assert none.difference == 0
    assert max(none.bootstrap, none.wilcoxon, none.t) < 0.10
    assert smallest.t == pytest.approx(0.8, abs=0.08)
    assert smallest.bootstrap == pytest.approx(smallest.t, abs=0.05)
    assert len(none.row()) == len(TEST_COLUMNS)
