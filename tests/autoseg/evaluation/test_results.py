from __future__ import annotations

import math

import numpy as np
import pytest

from autoseg.evaluation import (
    CaseScores,
    Convention,
    NamedMetric,
    SeenCases,
    choose_metrics,
    label_targets,
    score_case,
    summarise,
)
from planners.choices import Choice
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


@pytest.mark.parametrize("missed", [0, 1, 4, 5])
def test_missed_lesions_make_no_mean_distance_look_better_and_are_counted(missed):
    pairs = [(NOTHING if number < missed else HALF, BOX) for number in range(5)]
    cases = [make_case(str(number), *pair) for number, pair in enumerate((*pairs, (NOTHING, NOTHING), (BOX, NOTHING)))]
    (label,) = summarise(cases).summary
    distance = next(metric for metric in label.metrics if metric.name == "hd95_mm")
    assert distance.statistics.n == 5 - missed
    assert distance.statistics.mean == (pytest.approx(2.0) if missed < 5 else None)
    assert (distance.missed, distance.absent, distance.invented) == (missed, 1, 1)
    dice = next(metric for metric in label.metrics if metric.name == "dice")
    assert (dice.statistics.n, dice.missed, dice.absent) == (7, 0, 0)


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


def test_foreground_mean_dice_leaves_out_labels_that_could_not_be_measured():
    dropped = NamedMetric(name="dice", metric=Choice(name="dice", options={"both_empty": None}))
    convention = Convention(name="dropped", metrics=(dropped,))
    absent = score_case(HALF, BOX, label_targets([1, 2]), ONE_MM, "a", convention)
    assert summarise([absent], convention).foreground_mean_dice == pytest.approx(2 / 3)
    never = score_case(NOTHING, NOTHING, label_targets([1]), ONE_MM, "a", convention)
    assert math.isnan(summarise([never], convention).foreground_mean_dice)


def test_cases_of_another_convention_are_refused():
    with pytest.raises(ValueError, match="no metric 'lesion_recall'"):
        summarise([make_case("a", BOX)], Convention(name="other", metrics=choose_metrics(["lesion_recall"])))


def test_unknown_metric_and_label_are_named():
    evaluation = summarise([make_case("a", BOX)])
    with pytest.raises(ValueError, match=r"no metric 'dise'\. Did you mean 'dice'"):
        evaluation.label(1).statistics("dise")
    with pytest.raises(ValueError, match=r"label 3 was not scored, only \[1\]"):
        evaluation.label(3)


def test_nothing_to_summarise_is_refused():
    with pytest.raises(ValueError, match="0 cases"):
        summarise([])


class Name(str):
    """A case's name that counts how often it is compared with another."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        type(self).compared += 1
        return str.__eq__(self, other)


def test_cases_are_marked_as_seen_without_a_comparison_of_each_with_all_others() -> None:
    names = [Name(f"case{number}") for number in range(300)]
    seen = SeenCases(cases=tuple(map(Name, names[:100])), unknown=tuple(map(Name, names[100:200])), models=("m",))
    Name.compared = 0
    marks = seen.marks(names)
    assert [marks[name] for name in names] == ["yes"] * 100 + ["unknown"] * 100 + ["no"] * 100
    # Of each name in a set once, and once for each mark that is read; in tuples it would be tens of thousands.
    assert Name.compared < 2000
