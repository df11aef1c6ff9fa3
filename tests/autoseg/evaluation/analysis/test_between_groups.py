"""Groups of different cases beside each other: rank-sum tests with known answers, and parts of evaluations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from autoseg.evaluation.analysis.between_groups import compare_groups, correct_differences, keep_cases
from autoseg.evaluation.traits import CaseTraits
from tests.autoseg.evaluation.analysis.made_up import make_evaluation

GENERATOR = np.random.default_rng(0)
PRONE, SUPINE, POOLED = (list(GENERATOR.beta(8, size, size=12)) for size in (1, 4, 1.2))


def test_the_rank_sum_test_is_that_of_scipy_and_holm_allows_for_all() -> None:
    groups = {"prone": make_evaluation(PRONE), "supine": make_evaluation(SUPINE), "pooled": make_evaluation(POOLED)}
    found = correct_differences(compare_groups(groups, ["dice"]))
    assert [(one.first, one.second) for one in found] == [
        ("prone", "supine"),
        ("prone", "pooled"),
        ("supine", "pooled"),
    ]
    expected = stats.mannwhitneyu(PRONE, SUPINE, alternative="two-sided").pvalue
    assert found[0].rank_sum == pytest.approx(expected)
    assert found[0].means == (pytest.approx(np.mean(PRONE)), pytest.approx(np.mean(SUPINE)))
    assert found[0].subjects == (12, 12)
    raw = [one.rank_sum or 0.0 for one in found]
    corrected = [one.corrected or 0.0 for one in found]
    assert min(corrected) == pytest.approx(min(1.0, 3 * min(raw)))
    assert all(after >= before for before, after in zip(raw, corrected, strict=True))


def test_scans_of_one_subject_count_once_and_who_is_in_both_is_told() -> None:
    traits = {f"c{number}": CaseTraits(case=f"c{number}", subject=f"s{number // 2}") for number in range(12)}
    found = compare_groups(
        {"a": make_evaluation(PRONE, traits=traits), "b": make_evaluation(SUPINE, traits=traits)}, ["dice"]
    )
    means = [np.array(scores).reshape(6, 2).mean(axis=1) for scores in (PRONE, SUPINE)]
    assert found[0].rank_sum == pytest.approx(stats.mannwhitneyu(*means, alternative="two-sided").pvalue)
    assert (found[0].subjects, found[0].shared) == ((6, 6), 6)


def test_few_subjects_are_described_and_not_tested() -> None:
    found = compare_groups({"a": make_evaluation(PRONE[:4]), "b": make_evaluation(SUPINE)}, ["dice"])
    assert found[0].rank_sum is None
    assert found[0].means[0] == pytest.approx(np.mean(PRONE[:4]))
    assert correct_differences(found)[0].corrected is None


def test_a_part_of_an_evaluation_is_summarised_anew() -> None:
    whole = make_evaluation(PRONE)
    part = keep_cases(whole, {"c0", "c5", "not there"})
    assert part is not None
    assert [case.case for case in part.cases] == ["c0", "c5"]
    assert part.label(1).statistics("dice").mean == pytest.approx((PRONE[0] + PRONE[5]) / 2)
    assert keep_cases(whole, {"not there"}) is None


def test_subjects_of_both_groups_are_known_by_their_names_in_bids_as_well() -> None:
    first, second = ([f"sub-{number}_ses-{visit}" for number in range(12)] for visit in (1, 2))
    found = compare_groups(
        {"a": make_evaluation(PRONE, names=first), "b": make_evaluation(SUPINE, names=second)}, ["dice"]
    )
    assert (found[0].subjects, found[0].shared) == ((12, 12), 12)


def test_a_group_without_a_score_is_not_tested() -> None:
    found = compare_groups({"a": make_evaluation([None] * 12), "b": make_evaluation(SUPINE)}, ["dice"])
    assert (found[0].subjects, found[0].means[0], found[0].rank_sum) == ((0, 12), None, None)
