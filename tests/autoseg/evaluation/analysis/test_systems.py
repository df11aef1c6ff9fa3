"""Systems on shared cases: made-up scores with known answers, what is refused, and what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.evaluation import CONVENTIONS, choose_metrics
from autoseg.evaluation.analysis.conclusions import conclude, explain_difference
from autoseg.evaluation.analysis.systems import compare_systems
from autoseg.evaluation.conventions import NamedMetric
from autoseg.evaluation.statistics import bootstrap_interval
from dataset_fingerprints.errors import DataError
from planners.choices import Choice
from tests.autoseg.evaluation.analysis.made_up import make_evaluation

GENERATOR = np.random.default_rng(0)
BASE = GENERATOR.beta(4, 2, size=60)
BETTER = np.clip(BASE + 0.05 + GENERATOR.normal(0, 0.02, size=60), 0, 1)
SAME = np.clip(BASE + GENERATOR.normal(0, 0.02, size=60), 0, 1)


def compare(metrics=("dice",), **scores):
    return compare_systems({name: make_evaluation(list(values)) for name, values in scores.items()}, metrics=metrics)


def test_means_and_differences_are_those_by_hand() -> None:
    found = compare(base=BASE, better=BETTER)
    assert [one.statistics.mean for one in found.means] == [pytest.approx(BASE.mean()), pytest.approx(BETTER.mean())]
    (difference,) = found.differences
    assert difference.mean == pytest.approx((BETTER - BASE).mean())
    assert difference.sd == pytest.approx((BETTER - BASE).std(ddof=1))
    assert difference.ci95 == bootstrap_interval(BETTER - BASE, kind="bca")
    assert (difference.cases, difference.subjects, difference.left_out) == (60, 60, 0)


def test_a_clear_difference_is_said_and_no_difference_is_not_called_equality() -> None:
    found = compare(base=BASE, better=BETTER)
    assert conclude(found) == "On 60 cases, better is better than base in Dice."
    none = compare(base=BASE, same=SAME)
    assert conclude(none) == (
        "On 60 cases, no difference is shown between base and same in Dice, which does not prove that they are equal."
    )
    (difference,) = none.differences
    assert "No difference is shown: 60 subjects" in explain_difference(difference, none)
    assert difference.smallest == pytest.approx(2.85 * difference.sd / np.sqrt(60), rel=0.02)


def test_a_lower_distance_is_better() -> None:
    evaluations = {
        "far": make_evaluation(list(BASE), [10.0] * 60, list(13.0 + GENERATOR.random(60))),
        "near": make_evaluation(list(BASE), [10.0] * 60, list(11.0 + GENERATOR.random(60))),
    }
    found = compare_systems(evaluations, metrics=("volume_difference_ml",))
    assert conclude(found) == "On 60 cases, near is better than far in Volume difference."


def test_all_pairs_and_metrics_are_counted_in_the_correction() -> None:
    found = compare((), base=BASE, better=BETTER, same=SAME)
    assert found.tested == 6
    first = found.differences[0]
    assert (first.first, first.second, first.metric) == ("base", "better", "dice")
    assert first.corrected.bootstrap == pytest.approx(6 * first.tests.bootstrap)


def test_only_cases_that_all_have_are_compared_and_the_others_are_named() -> None:
    first = make_evaluation(list(BASE))
    second = make_evaluation(list(BETTER[:50]), names=[f"c{place}" for place in range(50)])
    found = compare_systems({"first": first, "second": second}, metrics=("dice",))
    assert len(found.cases) == 50
    assert found.means[0].statistics.mean == pytest.approx(BASE[:50].mean())
    assert found.remarks[0].startswith("first: 10 cases are left out, which not all systems have scored: c50, c51")


def test_cases_without_a_score_in_one_are_in_no_difference_and_counted() -> None:
    scores = [None, *BETTER[1:]]
    found = compare_systems({"a": make_evaluation(list(BASE)), "b": make_evaluation(scores)}, metrics=("dice",))
    (difference,) = found.differences
    assert (difference.cases, difference.left_out) == (59, 1)
    assert difference.mean == pytest.approx((BETTER - BASE)[1:].mean())
    assert "1 case without a score in one of both are not in it." in explain_difference(difference, found)


def test_sessions_of_one_subject_are_drawn_together() -> None:
    names = [f"sub-{place // 2}_ses-{place % 2}" for place in range(60)]
    found = compare_systems(
        {"a": make_evaluation(list(BASE), names=names), "b": make_evaluation(list(BETTER), names=names)},
        metrics=("dice",),
    )
    (difference,) = found.differences
    assert (difference.cases, difference.subjects, found.subjects) == (60, 30, 30)
    assert difference.ci95 == bootstrap_interval(BETTER - BASE, kind="bca", units=np.repeat(np.arange(30), 2))
    assert "With 30 subjects, fewer than 50, intervals may be too narrow." in found.remarks


def test_four_cases_have_a_difference_and_no_test() -> None:
    found = compare(a=BASE[:4], b=BETTER[:4])
    (difference,) = found.differences
    assert difference.tests.bootstrap is difference.ci95 is None
    assert found.tested == 0
    assert "Expected at least 5 for an interval and tests." in explain_difference(difference, found)


def test_other_references_are_noticed() -> None:
    found = compare_systems(
        {"a": make_evaluation([0.5] * 6, [1.0] * 6), "b": make_evaluation([0.6] * 6, [1.0] * 5 + [2.0])},
        metrics=("dice",),
    )
    assert "The references differ: the volume of 1 case is another one (c5)." in found.remarks[0]


def test_the_wilcoxon_test_may_say_otherwise() -> None:
    # Nearly all cases are better by little, and two are worse by much.
    base = np.full(60, 0.5)
    other = base + 0.01 + 0.001 * GENERATOR.random(60)
    other[:2] = 0.2
    found = compare(base=base, other=other)
    said = explain_difference(found.differences[0], found)
    assert "The Wilcoxon test says otherwise (p < 0.001): most cases differ, but by little beside a few others." in said


def test_what_the_wilcoxon_test_of_few_cannot_show_does_not_speak_against_it() -> None:
    # Five differences to one side: p = 2 / 2^5 = 0.0625.
    found = compare(base=np.linspace(0.4, 0.5, 5), better=np.linspace(0.6, 0.72, 5))
    assert found.differences[0].tests.wilcoxon == pytest.approx(0.0625)
    said = explain_difference(found.differences[0], found)
    assert "better is better. The Wilcoxon test of 5 subjects cannot show anything among 1 test." in said


def test_equal_scores_are_said_to_be_the_same() -> None:
    found = compare(a=BASE, b=BASE)
    assert "Both have the same scores." in explain_difference(found.differences[0], found)


@pytest.mark.parametrize(
    ("names", "message"),
    [(["c0", "c1"], "no case is in all of a and b"), ([], "--metric hd95_mm: is not in the scores of all of a and b")],
)
def test_what_cannot_be_compared_is_refused(names: list[str], message: str) -> None:
    second = make_evaluation([0.1, 0.2], names=["x", "y"] if names else [])
    with pytest.raises(DataError, match=message):
        compare_systems({"a": make_evaluation([0.5, 0.6]), "b": second}, metrics=() if names else ("hd95_mm",))


def test_one_system_is_refused() -> None:
    with pytest.raises(DataError, match="1 system to compare"):
        compare(a=BASE)


def test_a_metric_that_is_defined_differently_is_refused() -> None:
    first = make_evaluation([0.5] * 6)
    other = NamedMetric(name="dice", metric=Choice(name="dice", options={"both_empty": 0.0}))
    convention = replace(first.convention, metrics=(other, *choose_metrics(["reference_volume_ml"])))
    with pytest.raises(DataError, match=r"dice is defined differently for a \(both_empty 1.0.* and b \(both_empty 0.0"):
        compare_systems({"a": first, "b": replace(first, convention=convention)})


def test_usual_metrics_are_in_the_usual_convention() -> None:
    from autoseg.evaluation.analysis.shared_cases import USUAL_METRICS

    assert {*USUAL_METRICS} <= {entry.name for entry in CONVENTIONS["autoseg"].metrics}
