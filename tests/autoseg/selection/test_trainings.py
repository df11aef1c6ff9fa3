from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from autoseg.selection.trainings import find_interval_of_trainings


def draw(rng: np.random.Generator, trainings: int, cases: int, luck: float, gain: float = 0.0) -> np.ndarray:
    """Return (side, training, case) scores: how hard a case is, a training's luck, and chance."""
    hard = rng.normal(0.7, 0.1, cases)
    scores = hard + rng.normal(0, luck, (2, trainings, 1)) + rng.normal(0, 0.03, (2, trainings, cases))
    scores[1] += gain
    return scores


def test_where_trainings_have_no_luck_it_is_students_interval_of_the_paired_gains() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(1, 30)), rng.normal(0.5, 1, (1, 30))
    found = find_interval_of_trainings(before, after, np.arange(30))
    gains = (after - before)[0]
    low, high = stats.t.interval(0.95, 29, gains.mean(), stats.sem(gains))
    assert (found.mean, found.low, found.high) == pytest.approx((gains.mean(), low, high))


def test_two_trainings_by_hand() -> None:
    # Over the cases: gains 0.1 and 0.3, of which the mean has the variance 0.01. Of the trainings' means 0.5 and 0.7
    # the mean has the variance 0.01, of 0.8 and 0.8 none.
    before, after = np.array([[0.4, 0.6], [0.6, 0.8]]), np.array([[0.6, 1.0], [0.6, 1.0]])
    found = find_interval_of_trainings(before, after, np.arange(2))
    half = stats.t.ppf(0.975, 2) * np.sqrt(0.02)  # (0.01 + 0.01)^2 / (0.01^2 + 0.01^2) = 2 degrees of freedom
    assert (found.mean, found.high - found.mean) == pytest.approx((0.2, half))


@pytest.mark.parametrize("luck", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("trainings", [2, 3])
def test_without_a_gain_it_seldom_lies_above_zero(luck: float, trainings: int) -> None:
    rng = np.random.default_rng(3)
    drawn = (draw(rng, trainings, 20, luck) for _ in range(2000))
    above = np.mean([find_interval_of_trainings(*scores, np.arange(20)).low > 0 for scores in drawn])
    assert above <= 0.035  # 2.5 % promised; three standard errors of 2,000 draws are 1 %


@pytest.mark.parametrize(
    ("hard", "luck", "chance"), [(0.05, 0.03, 0.1), (0.0, 0.03, 0.1), (0.1, 0.01, 0.05), (0.02, 0.04, 0.03)]
)
def test_the_interval_holds_the_gain_as_often_as_it_says(hard: float, luck: float, chance: float) -> None:
    # `hard`: how much a case is harder for one way to train than for the other.
    rng, held = np.random.default_rng(8), 0
    for _ in range(1000):
        of_cases, of_trainings = rng.normal(0, hard, (2, 1, 16)), rng.normal(0, luck, (2, 5, 1))
        found = find_interval_of_trainings(
            *(of_cases + of_trainings + rng.normal(0, chance, (2, 5, 16))), np.arange(16)
        )
        held += found.low <= 0 <= found.high
    assert 930 <= held <= 980  # 95 % promised; three standard errors of 1,000 draws are 2 %


def test_a_case_s_luck_with_a_training_counts_once() -> None:
    # Scores of chance alone: their mean over 5 trainings of 40 cases has the variance 0.01 / 200 on either side.
    rng = np.random.default_rng(9)
    drawn = [rng.normal(0, 0.1, (2, 5, 40)) for _ in range(300)]
    halves = [found.high - found.mean for found in (find_interval_of_trainings(*one, np.arange(40)) for one in drawn)]
    twice = 2 * 2 * 0.01 / 200
    assert np.mean(halves) < stats.norm.ppf(0.975) * np.sqrt(twice)


def test_counting_cases_alone_would_take_luck_for_gain() -> None:
    rng = np.random.default_rng(4)
    drawn = [draw(rng, 3, 20, 0.1) for _ in range(500)]
    alone = [stats.ttest_rel(after.mean(0), before.mean(0)).pvalue < 0.05 for before, after in drawn]
    assert np.mean(alone) > 0.5


def test_a_gain_larger_than_luck_is_found() -> None:
    rng = np.random.default_rng(5)
    drawn = (draw(rng, 3, 20, 0.02, gain=0.1) for _ in range(200))
    assert np.mean([find_interval_of_trainings(*scores, np.arange(20)).low > 0 for scores in drawn]) > 0.9


def test_every_comparison_on_the_same_cases_widens_it() -> None:
    before, after = draw(np.random.default_rng(6), 3, 20, 0.02, gain=0.05)
    widths = [
        found.high - found.low
        for found in (find_interval_of_trainings(before, after, np.arange(20), count) for count in (1, 2, 5))
    ]
    assert widths == sorted(widths)
    assert widths[0] < widths[1] < widths[2]


def test_cases_of_one_subject_count_once() -> None:
    before, after = draw(np.random.default_rng(7), 3, 20, 0.0, gain=0.05)
    alone = find_interval_of_trainings(before, after, np.arange(20))
    twice = find_interval_of_trainings(before.repeat(2, axis=1), after.repeat(2, axis=1), np.arange(20).repeat(2))
    assert (twice.mean, twice.low, twice.high) == pytest.approx((alone.mean, alone.low, alone.high))


def test_where_nothing_differs_it_is_a_point() -> None:
    scores = np.full((2, 12), 0.5)
    found = find_interval_of_trainings(scores, scores, np.arange(12))
    assert (found.mean, found.low, found.high) == (0, 0, 0)
