from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from autoseg.evaluation import CaseScores, label_targets, score_case, summarise
from autoseg.evaluation.summary import measure_statistics
from tests.autoseg.evaluation.masks import ONE_MM, make_box

SHAPE = (10, 10, 10)
BOX = make_box(SHAPE, (2, 2, 2), (6, 6, 6))
HALF = make_box(SHAPE, (2, 2, 2), (4, 6, 6))
NOTHING = np.zeros(SHAPE, dtype=np.uint8)


def make_case(name: str, prediction, reference=BOX, labels=(1,)) -> CaseScores:
    return score_case(prediction, reference, label_targets(labels), ONE_MM, name)


def test_summary_counts_only_cases_that_could_be_measured():
    evaluation = summarise([make_case("a", BOX), make_case("b", HALF), make_case("c", NOTHING)])
    label = evaluation.label(1)
    dice, hd95 = label.statistics("dice"), label.statistics("hd95_mm")
    assert (dice.n, hd95.n) == (3, 2)
    assert dice.mean == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert dice.median == pytest.approx(2 / 3)
    assert dice.sd == pytest.approx(np.std([1, 2 / 3, 0], ddof=1))


def test_nothing_measured_is_null():
    hd95 = summarise([make_case("a", NOTHING)]).label(1).statistics("hd95_mm")
    assert (hd95.mean, hd95.sd, hd95.median, hd95.ci95, hd95.n) == (None, None, None, None, 0)


def test_one_case_has_a_mean_but_no_spread():
    dice = summarise([make_case("a", HALF)]).label(1).statistics("dice")
    assert dice.mean == dice.median == pytest.approx(2 / 3)
    assert (dice.sd, dice.ci95, dice.n) == (None, None, 1)


def test_foreground_mean_dice_weighs_labels_equally():
    two_labels = np.where(BOX > 0, 2, 0)
    evaluation = summarise([make_case("a", HALF), make_case("b", two_labels, two_labels, (1, 2))])
    # Label 1: 2/3 in a, empty and right in b. Label 2: only in b.
    assert evaluation.foreground_mean_dice == pytest.approx(((2 / 3 + 1) / 2 + 1) / 2)


def test_interval_is_reproducible_and_holds_the_mean():
    values = np.random.default_rng(1).random(40)
    first, second = measure_statistics(values), measure_statistics(values.copy())
    assert first == second
    assert first.ci95[0] < first.mean < first.ci95[1]


def test_interval_agrees_with_scipy():
    values = np.random.default_rng(2).normal(size=60)
    low, high = measure_statistics(values).ci95
    scipys = stats.bootstrap((values,), np.mean, n_resamples=2000, method="percentile", rng=0).confidence_interval
    # A percentile of 2000 resamples has itself a standard error of about a tenth of the mean's.
    tolerance = 0.3 * values.std() / np.sqrt(60)
    assert low == pytest.approx(scipys.low, abs=tolerance)
    assert high == pytest.approx(scipys.high, abs=tolerance)


def test_interval_covers_the_true_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        low, high = measure_statistics(generator.beta(4, 2, size=50)).ci95
        covered += low <= 2 / 3 <= high
    # 95 % of 200 is 190; percentile intervals of 50 values cover a little less, and the count has an sd of 3.
    assert 178 <= covered <= 200


@given(values=st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_interval_lies_within_the_values(values):
    low, high = measure_statistics(np.array(values)).ci95
    assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12


def test_unknown_metric_and_label_are_named():
    evaluation = summarise([make_case("a", BOX)])
    with pytest.raises(ValueError, match=r"no metric 'dise'\. Did you mean 'dice'"):
        evaluation.label(1).statistics("dise")
    with pytest.raises(ValueError, match=r"label 3 was not scored, only \[1\]"):
        evaluation.label(3)


def test_nothing_to_summarise_is_refused():
    with pytest.raises(ValueError, match="0 cases"):
        summarise([])
