"""Agreement of measurements: the worked examples of the articles that the formulas come from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import f, pearsonr

from autoseg.evaluation.statistics.agreement import (
    NO_COEFFICIENT,
    find_concordance,
    find_intraclass,
    find_limits,
    find_pearson,
)

# Table 2 of Shrout & Fleiss 1979 (Psychological Bulletin 86:420): four judges rate six subjects.
RATINGS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=np.float64
)
# Table 1 of Bland & Altman 1986 (Lancet 327:307): peak flow in l/min of 17 people, first reading by either meter.
WRIGHT = np.array(
    [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427], dtype=np.float64
)
MINI = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451], dtype=np.float64)


def test_intraclass_correlations_are_those_of_shrout_and_fleiss() -> None:
    found = find_intraclass(RATINGS)
    assert found.absolute.value == pytest.approx(0.29, abs=0.005)
    assert found.consistent.value == pytest.approx(0.71, abs=0.005)
    # R's `psych::ICC` prints 0.019 to 0.76 and 0.342 to 0.95 for this table (github.com/dwoll/RExRepos, interRaterICC).
    assert found.absolute.ci95 == (pytest.approx(0.019, abs=0.0005), pytest.approx(0.76, abs=0.005))
    assert found.consistent.ci95 == (pytest.approx(0.342, abs=0.0005), pytest.approx(0.95, abs=0.005))


def test_intervals_of_the_intraclass_correlation_follow_from_the_table_of_variances() -> None:
    n, k = RATINGS.shape
    total = ((RATINGS - RATINGS.mean()) ** 2).sum()
    people = k * RATINGS.mean(axis=1).var() * n
    judges = n * RATINGS.mean(axis=0).var() * k
    ms_people, ms_judges = people / (n - 1), judges / (k - 1)
    ms_error = (total - people - judges) / ((n - 1) * (k - 1))
    # McGraw & Wong 1996 (Psychological Methods 1:30), table 7: two-way models, single measurements.
    ratio, freedom = ms_people / ms_error, (n - 1) * (k - 1)
    low, high = ratio / f.ppf(0.975, n - 1, freedom), ratio * f.ppf(0.975, freedom, n - 1)
    found = find_intraclass(RATINGS)
    assert found.consistent.ci95 == pytest.approx(((low - 1) / (low + k - 1), (high - 1) / (high + k - 1)))
    rho = found.absolute.value
    a, b = k * rho / (n * (1 - rho)), 1 + k * rho * (n - 1) / (n * (1 - rho))
    parts = (a * ms_judges) ** 2 / (k - 1) + (b * ms_error) ** 2 / freedom
    v = (a * ms_judges + b * ms_error) ** 2 / parts
    above, below = f.ppf(0.975, n - 1, v), f.ppf(0.975, v, n - 1)
    others = k * ms_judges + (k * n - k - n) * ms_error
    assert found.absolute.ci95 == pytest.approx(
        (
            n * (ms_people - above * ms_error) / (above * others + n * ms_people),
            n * (below * ms_people - ms_error) / (others + n * below * ms_people),
        )
    )


def test_limits_of_agreement_are_those_of_bland_and_altman() -> None:
    found = find_limits(MINI, WRIGHT)
    assert found is not None
    assert (found.bias, found.sd) == pytest.approx((-2.1, 38.8), abs=0.05)
    assert found.bias_ci95 == pytest.approx((-22.0, 17.8), abs=0.05)
    # The article has limits at 2 standard deviations, -79.7 to 75.5, with intervals of 34.6 to each side.
    assert (found.lower, found.upper) == pytest.approx((-2.1 - 1.96 * 38.8, -2.1 + 1.96 * 38.8), abs=0.15)
    assert found.upper_ci95[1] - found.upper == pytest.approx(34.6, abs=0.2)
    assert found.lower - found.lower_ci95[0] == pytest.approx(34.6, abs=0.2)


def test_the_correlation_is_that_of_bland_and_altman() -> None:
    assert find_pearson(WRIGHT, MINI).value == pytest.approx(0.94, abs=0.005)


def test_the_concordance_follows_from_the_differences() -> None:
    # Lin 1989: one minus the mean squared difference over what it would be without any association.
    squares = ((WRIGHT - MINI) ** 2).mean()
    expected = 1 - squares / (WRIGHT.var() + MINI.var() + (WRIGHT.mean() - MINI.mean()) ** 2)
    found = find_concordance(WRIGHT, MINI)
    assert found.value == pytest.approx(expected)
    # The same as precision times accuracy (Lin 1989): Pearson's r and the bias correction.
    scale, shift = WRIGHT.std() / MINI.std(), (WRIGHT.mean() - MINI.mean()) / np.sqrt(WRIGHT.std() * MINI.std())
    assert found.value == pytest.approx(pearsonr(WRIGHT, MINI)[0] * 2 / (scale + 1 / scale + shift**2))


def test_the_interval_of_the_concordance_holds_it_in_95_of_100_samples() -> None:
    generator, covered = np.random.default_rng(0), 0
    truth = 2 * 0.8 / (1 + 1 + 0.3**2)
    for _ in range(1000):
        first, second = generator.multivariate_normal([0, 0.3], [[1, 0.8], [0.8, 1]], size=40).T
        low, high = find_concordance(first, second).ci95
        covered += low <= truth <= high
    # 950 of 1000 with an sd of 7; the interval is an asymptotic one.
    assert 920 <= covered <= 975


def test_a_constant_bias_lowers_agreement_but_not_consistency() -> None:
    values = np.random.default_rng(1).random(20)
    found = find_intraclass(np.stack([values, values + 0.3], axis=1))
    assert found.consistent.value == pytest.approx(1.0)
    assert found.absolute.value < 0.8
    assert find_pearson(values, values + 0.3).value == pytest.approx(1.0)
    assert find_concordance(values, values + 0.3).value < 0.8


def test_a_bias_that_grows_with_the_size_has_a_slope() -> None:
    sizes = np.random.default_rng(2).random(30) * 100
    found = find_limits(sizes, 1.2 * sizes)
    assert found is not None
    # Differences 0.2 v on means 1.1 v.
    assert found.slope == pytest.approx(0.2 / 1.1)
    assert found.slope_p == pytest.approx(0.0, abs=1e-9)
    noise = find_limits(sizes, sizes + np.random.default_rng(3).normal(size=30))
    assert noise is not None
    assert noise.slope_p > 0.05


def test_equal_measurements_agree_fully() -> None:
    values = np.arange(5.0)
    assert find_concordance(values, values).value == pytest.approx(1.0)
    assert find_intraclass(np.stack([values, values], axis=1)).absolute.value == pytest.approx(1.0)
    limits = find_limits(values, values)
    assert limits is not None
    assert (limits.bias, limits.lower, limits.upper, limits.slope, limits.slope_p) == (0.0, 0.0, 0.0, 0.0, 1.0)


def test_too_few_or_constant_measurements_have_no_coefficient() -> None:
    constant = np.full(5, 2.0)
    assert find_concordance(constant, constant) == NO_COEFFICIENT
    assert find_pearson(constant, np.arange(5.0)) == NO_COEFFICIENT
    assert find_intraclass(np.stack([constant, constant], axis=1)).absolute == NO_COEFFICIENT
    assert find_intraclass(np.ones((1, 2))).absolute == NO_COEFFICIENT
    assert find_limits(np.zeros(2), np.ones(2)) is None


def test_two_cases_that_raters_exchange_have_no_absolute_agreement() -> None:
    found = find_intraclass(np.array([[1.0, 3.0], [3.0, 1.0]]))
    assert found.absolute == NO_COEFFICIENT
    assert found.consistent.value == -1.0
