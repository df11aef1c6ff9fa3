from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from autoseg.evaluation import bootstrap_interval, measure_statistics
from autoseg.evaluation.statistics import resampling
from autoseg.evaluation.statistics.resampling import resample_means


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


@given(values=st.lists(st.floats(0, 1), min_size=5, max_size=20))
def test_interval_lies_within_the_values(values):
    low, high = measure_statistics(np.array(values)).ci95
    assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12


@pytest.mark.parametrize("unit", [1e-9, 1e-111, 1e-160, 5e-324])
def test_an_interval_does_not_depend_on_the_unit_of_the_values(unit: float) -> None:
    values = np.array([0.0, 0.0, 1.0, 2.0, 40.0])
    low, high = bootstrap_interval(values, kind="bca")
    bounds = pytest.approx((low * unit, high * unit), rel=1e-6, abs=5e-324)
    assert bootstrap_interval(values * unit, kind="bca") == bounds


@pytest.mark.parametrize(("cases", "given"), [(0, False), (1, False), (2, False), (4, False), (5, True), (6, True)])
def test_an_interval_needs_five_cases(cases, given):
    statistics = measure_statistics(np.linspace(0, 1, cases))
    assert (statistics.ci95 is not None) == given
    assert (statistics.sd is not None) == (cases > 1)


def test_the_interval_of_a_mean_is_that_of_its_statistics() -> None:
    values = np.random.default_rng(4).random(12)
    assert bootstrap_interval(values, kind="bca") == measure_statistics(values).ci95


def test_an_interval_holds_the_mean_and_shrinks_without_spread() -> None:
    low, high = bootstrap_interval(np.array([0.0, 0.1, 0.2, 0.3]))
    assert low < 0.15 < high
    assert bootstrap_interval(np.full(5, 0.2)) == pytest.approx((0.2, 0.2))


def test_the_interval_of_a_ratio_of_totals_holds_the_ratio() -> None:
    totals = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 2.0], [2.0, 2.0]])
    low, high = bootstrap_interval(totals, lambda means: means[..., 0] / means[..., 1])
    assert low < 0.6 < high


def test_the_difference_of_equal_measurements_is_zero_without_rounding() -> None:
    values = np.random.default_rng(5).random(37)
    both = np.stack([values, values], axis=1)
    assert bootstrap_interval(both, lambda means: means[..., 0] - means[..., 1]) == (0.0, 0.0)


def test_resamples_without_a_figure_do_not_count() -> None:
    # One in four pairs of draws holds only the case that has no ratio.
    totals = np.array([[0.0, 0.0], [1.0, 2.0]])
    with np.errstate(invalid="ignore"):
        interval = bootstrap_interval(totals, lambda means: means[..., 0] / means[..., 1])
        assert interval == (0.5, 0.5)
        assert all(np.isnan(bootstrap_interval(totals[:1], lambda means: means[..., 0] / means[..., 1])))


def test_more_resamples_and_another_seed_give_nearly_the_same_interval() -> None:
    values = np.random.default_rng(6).normal(size=50)
    first = bootstrap_interval(values)
    second = bootstrap_interval(values, resamples=10_000, seed=1)
    assert first != second
    # A percentile of 2000 resamples has itself a standard error of about a tenth of the mean's.
    assert first == pytest.approx(second, abs=0.3 * values.std() / np.sqrt(50))


def test_no_case_has_no_interval() -> None:
    with pytest.raises(ValueError, match="without a case"):
        bootstrap_interval(np.empty(0))


def test_cases_of_one_subject_are_drawn_together() -> None:
    people = np.random.default_rng(7).random(30)
    twice, units = np.repeat(people, 2), np.repeat(np.arange(30), 2)
    # Two equal cases of everybody say no more than one.
    assert bootstrap_interval(twice, units=units) == pytest.approx(bootstrap_interval(people))
    low, high = bootstrap_interval(twice)
    together = bootstrap_interval(twice, units=units)
    assert high - low < together[1] - together[0]


def test_names_of_subjects_do_not_matter_but_which_cases_they_have() -> None:
    values = np.random.default_rng(8).random(8)
    assert bootstrap_interval(values, units=list("aabbccdd")) == bootstrap_interval(
        values, units=[4, 4, 1, 1, 9, 9, 2, 2]
    )
    assert bootstrap_interval(values, units=list("abcdefgh")) == bootstrap_interval(values)


def test_a_mean_over_subjects_of_unequal_numbers_of_cases_counts_cases() -> None:
    values, units = np.array([0.0, 0.0, 0.0, 1.0, 1.0]), ["a", "a", "a", "b", "c"]
    means = resample_means(values, units=units, resamples=4000)
    # Of three draws of a, b and c: (a, a, b) has three, three and one case.
    assert set(np.round(means, 6)) == {0.0, 1.0, round(1 / 7, 6), round(2 / 5, 6)}


def test_each_case_needs_a_subject() -> None:
    with pytest.raises(ValueError, match="1 subjects are given for 3 cases"):
        bootstrap_interval(np.zeros(3), units=["a"])


def widened(n: int) -> float:
    """Return the level of the normal interval that reaches as far as Student's t, and by sqrt(n / (n - 1)) more."""
    reach = stats.t.ppf(0.975, n - 1) * np.sqrt(n / (n - 1))
    return float(2 * stats.norm.cdf(reach) - 1)


def test_bca_agrees_with_scipy() -> None:
    values = np.random.default_rng(9).beta(5, 1, size=40)
    ours = bootstrap_interval(values, kind="bca", resamples=20_000)
    scipys = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", confidence_level=widened(40), rng=0
    ).confidence_interval
    # Bounds of 20,000 resamples have a standard error of about 3 % of the mean's.
    assert ours == pytest.approx((scipys.low, scipys.high), abs=0.1 * values.std() / np.sqrt(40))


def test_bca_of_a_ratio_agrees_with_scipy() -> None:
    generator = np.random.default_rng(10)
    parts, wholes = generator.exponential(size=30), generator.exponential(size=30) + 1
    pairs = np.stack([parts, wholes], axis=1)
    ours = bootstrap_interval(pairs, lambda means: means[..., 0] / means[..., 1], kind="bca", resamples=20_000)

    def ratio(first, second, axis):
        return first.mean(axis=axis) / second.mean(axis=axis)

    found = stats.bootstrap(
        (parts, wholes), ratio, paired=True, n_resamples=20_000, method="BCa", confidence_level=widened(30), rng=0
    )
    interval = found.confidence_interval
    # As above; the standard error is the bootstrap's own.
    assert ours == pytest.approx((interval.low, interval.high), abs=0.1 * found.standard_error)


def test_bca_shifts_the_interval_of_skewed_scores_towards_their_tail() -> None:
    values = np.random.default_rng(11).beta(8, 1, size=30)
    plain, corrected = (bootstrap_interval(values, kind=kind) for kind in ("percentile", "bca"))
    assert corrected[0] < plain[0]
    assert corrected[1] < plain[1]


@pytest.mark.parametrize("kind", ["plain", "percentile", "bca"])
def test_equal_scores_have_an_interval_without_width(kind: str) -> None:
    assert bootstrap_interval(np.full(10, 0.5), kind=kind) == pytest.approx((0.5, 0.5))
    assert bootstrap_interval(np.full(10, 0.5), kind=kind, units=list("aabbccddee")) == pytest.approx((0.5, 0.5))


def test_one_subject_has_an_interval_without_width() -> None:
    assert bootstrap_interval(np.array([0.2, 0.4]), units=["a", "a"], kind="bca") == pytest.approx((0.3, 0.3))


def test_percentiles_of_few_subjects_are_those_of_a_wider_level() -> None:
    values = np.random.default_rng(12).random(10)
    low, high = bootstrap_interval(values, kind="percentile")
    outside = (1 - widened(10)) / 2
    means = resample_means(values)
    assert (low, high) == pytest.approx(tuple(np.quantile(means, [outside, 1 - outside])))
    plain = bootstrap_interval(values)
    assert low < plain[0] < plain[1] < high


def test_scores_as_skewed_as_can_be_have_an_interval_within_them() -> None:
    values = np.array([0.0, 0.0, 0.0, 0.0, 1.0])
    low, high = bootstrap_interval(values, kind="bca")
    assert 0 <= low < 0.2 < high <= 1
    low, high = bootstrap_interval(1 - values, kind="bca")
    assert 0 <= low < 0.8 < high <= 1


def means_as_defined(values: np.ndarray, units: list[int], resamples: int, seed: int) -> np.ndarray:
    """Return means by weights that are made at once, in double precision."""
    numbers = list(dict.fromkeys(units))
    unit_of = np.array([numbers.index(unit) for unit in units])
    counts = np.random.default_rng(seed).multinomial(
        len(numbers), np.full(len(numbers), 1.0 / len(numbers)), size=resamples
    )
    drawn = counts[:, unit_of]
    weights = counts[:, unit_of] / len(numbers) if len(numbers) == len(units) else drawn / drawn.sum(axis=1)[:, None]
    return weights @ values


@pytest.mark.parametrize("kept_bytes", [0, 1 << 30])
@pytest.mark.parametrize("cases_each", [1, 3])
def test_means_are_the_same_to_the_last_digit_whether_weights_are_kept_or_made_again(
    monkeypatch: pytest.MonkeyPatch, kept_bytes: int, cases_each: int
) -> None:
    monkeypatch.setattr(resampling, "_KEPT_BYTES", kept_bytes)
    values, units = np.random.default_rng(13).random(301), [number // cases_each for number in range(301)]
    means = [resample_means(values, units=units, resamples=500, seed=3) for _ in range(2)]
    expected = means_as_defined(values, units, 500, 3)
    assert all(np.array_equal(one, expected) for one in means)


def test_intervals_of_many_cases_hold_a_byte_for_each_case_of_a_resample() -> None:
    values = np.random.default_rng(14).random(2500)
    tracemalloc.start()
    try:
        for seed in range(4):
            bootstrap_interval(values, seed=seed)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # Weights of one seed would be 40 MB.
    assert held < 1.1 * 4 * 2000 * len(values)
