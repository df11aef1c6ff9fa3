"""Tests of two systems: beside scipy's and published examples, and Holm's correction by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from autoseg.evaluation.statistics.significance import compare_pairs, compare_ranks, correct_holm

GENERATOR = np.random.default_rng(0)
FIRST = GENERATOR.beta(4, 2, size=40)
SECOND = FIRST + GENERATOR.normal(0.02, 0.05, size=40)


def test_p_values_are_those_of_scipy() -> None:
    found = compare_pairs(FIRST, SECOND)
    assert found.t == pytest.approx(stats.ttest_rel(SECOND, FIRST).pvalue)
    assert found.wilcoxon == pytest.approx(stats.wilcoxon(SECOND - FIRST, method="exact").pvalue)
    assert found.rank_sum == pytest.approx(stats.mannwhitneyu(FIRST, SECOND).pvalue)


def test_signed_ranks_of_few_are_exact_and_those_of_many_with_ties_are_not() -> None:
    # All ten differ to one side: 2 of 2^10 ways to give the signs; without two of them, 2 of 2^8.
    differences = np.linspace(0.1, 0.2, 10)
    assert compare_pairs(np.zeros(10), differences).wilcoxon == pytest.approx(2 / 1024)
    differences[:2] = 0.0
    assert compare_pairs(np.zeros(10), differences).wilcoxon == pytest.approx(2 / 256)
    many = np.concatenate((np.zeros(2), np.linspace(-0.1, 0.2, 20)))
    expected = stats.wilcoxon(many, zero_method="pratt", method="approx").pvalue
    assert compare_pairs(np.zeros(22), many).wilcoxon == pytest.approx(expected)


def test_the_sleep_data_of_student_have_their_published_p_value() -> None:
    # Hours of more sleep by two drugs in ten patients (Student 1908): t = 4.06, p = 0.0028.
    first = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    found = compare_pairs(first, second)
    assert found.t == pytest.approx(0.00283, abs=5e-6)


def test_the_bootstrap_is_near_the_t_test_where_differences_are_normal() -> None:
    found = compare_pairs(FIRST, SECOND, resamples=20_000)
    # At 40 cases, both differ by the tails of t and by the noise of 20,000 resamples.
    assert found.bootstrap == pytest.approx(found.t, rel=0.5)


def test_order_of_systems_does_not_matter() -> None:
    forth, back = compare_pairs(FIRST, SECOND), compare_pairs(SECOND, FIRST)
    for test in ("bootstrap", "wilcoxon", "t", "rank_sum"):
        assert getattr(forth, test) == pytest.approx(getattr(back, test))


def test_cases_of_one_subject_count_once() -> None:
    units = np.repeat(np.arange(40), 3)
    thrice = compare_pairs(np.repeat(FIRST, 3), np.repeat(SECOND, 3), units=units)
    once = compare_pairs(FIRST, SECOND)
    for test in ("bootstrap", "wilcoxon", "t", "rank_sum"):
        assert getattr(thrice, test) == pytest.approx(getattr(once, test))


def test_equal_scores_differ_in_no_test() -> None:
    found = compare_pairs(FIRST, FIRST)
    assert (found.bootstrap, found.wilcoxon, found.t, found.rank_sum) == (1.0, 1.0, 1.0, pytest.approx(1.0))


def test_the_same_difference_everywhere_is_certain() -> None:
    found = compare_pairs(np.zeros(10), np.full(10, 0.125))
    assert found.t == 0.0
    assert found.bootstrap == pytest.approx(0.0, abs=1e-6)


def test_a_clear_difference_of_few_subjects_is_about_as_clear_as_by_t() -> None:
    second = np.linspace(0.1, 0.2, 8)
    found = compare_pairs(np.zeros(8), second)
    assert found.t == pytest.approx(stats.ttest_1samp(second, 0).pvalue)
    # No resample lies beyond 0: both take the spread of means for normal, with the tails of t.
    assert found.bootstrap == pytest.approx(found.t, rel=0.3)


def test_one_case_cannot_be_tested() -> None:
    found = compare_pairs(np.zeros(1), np.ones(1))
    assert (found.bootstrap, found.wilcoxon, found.t, found.rank_sum) == (None, None, None, None)


def test_ranks_need_cases_on_both_sides() -> None:
    assert compare_ranks(np.zeros(0), np.ones(3)) is None


def test_holm_corrects_the_smallest_most_and_never_turns_the_order_around() -> None:
    # Four tests: 4 x 0.01, 3 x 0.02 = 0.06, 2 x 0.03 = 0.06, 1 x 0.04 raised to 0.06.
    assert correct_holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx((0.06, 0.04, 0.06, 0.06))


def test_holm_stops_at_one_and_leaves_out_what_was_not_tested() -> None:
    assert correct_holm([0.6, None, 0.7]) == (1.0, None, 1.0)
    assert correct_holm([None, 0.03]) == (None, 0.03)
    assert correct_holm([]) == ()


def test_few_differences_with_zeros_are_tested_by_all_their_signs() -> None:
    """Two of six cases are alike: of 16 signs, two are as extreme as four differences of one side."""
    differences = np.array([0.1, 0.2, 0.3, 0.4, 0.0, 0.0])
    tests = compare_pairs(differences, np.zeros(6))
    assert tests.wilcoxon == pytest.approx(2 / 16)
