"""Smallest difference and needed cases: beside published tables, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation.statistics.power import find_needed_cases, find_power, find_smallest_difference


@pytest.mark.parametrize(("difference", "cases"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_needed_cases_are_those_of_tables(difference: float, cases: int) -> None:
    # Paired t-test, two-sided 0.05, power 0.8, as G*Power 3.1 gives them for Cohen's small, medium and large effects.
    assert find_needed_cases(difference, 1.0) == cases


@pytest.mark.parametrize("cases", [3, 10, 34, 500])
def test_the_smallest_difference_has_the_power_that_was_asked_for(cases: int) -> None:
    smallest = find_smallest_difference(0.2, cases)
    assert smallest is not None
    assert find_power(smallest, 0.2, cases) == pytest.approx(0.8, abs=1e-6)
    assert find_needed_cases(smallest * 1.0001, 0.2) == cases


def test_a_simulation_finds_the_smallest_difference_in_four_of_five_studies() -> None:
    generator, cases, sd = np.random.default_rng(0), 25, 0.3
    smallest = find_smallest_difference(sd, cases)
    differences = smallest + sd * generator.standard_normal((4000, cases))
    t = differences.mean(axis=1) / differences.std(axis=1, ddof=1) * np.sqrt(cases)
    # 2.0639: two-sided 5 % bound of t with 24 degrees of freedom. The share of 4000 has an sd of 0.6 %.
    assert np.mean(np.abs(t) > 2.0639) == pytest.approx(0.8, abs=0.02)


def test_power_without_a_difference_is_the_level() -> None:
    assert find_power(0.0, 1.0, 20) == pytest.approx(0.05)


def test_cases_that_do_not_differ_show_any_difference() -> None:
    assert find_smallest_difference(0.0, 10) == 0.0
    assert find_needed_cases(0.1, 0.0) == 2


def test_one_case_shows_nothing() -> None:
    assert find_smallest_difference(1.0, 1) is None


def test_a_difference_beyond_a_million_cases_is_no_number() -> None:
    assert find_needed_cases(1e-6, 1.0) is None
