from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.evaluation import (
    CONVENTIONS,
    DEFAULT_CONVENTION,
    Convention,
    NamedMetric,
    add_metrics,
    choose_metrics,
    label_targets,
    score_case,
    summarise,
)
from dataset_fingerprints.errors import AutosegError, PlanError
from planners.choices import Choice
from tests.autoseg.evaluation.masks import ONE_MM, make_points

CORNER_PAIR = make_points((6, 6, 6), (1, 1, 1), (2, 2, 2))


def test_every_convention_stands_under_its_name_and_can_be_built():
    for name, convention in CONVENTIONS.items():
        assert convention.name == name
        assert list(convention.build()) == [entry.name for entry in convention.metrics]


def test_a_convention_may_hold_one_metric_twice_under_two_names():
    counts = tuple(
        NamedMetric(
            name=f"lesions_{connectivity}",
            metric=Choice(name="reference_lesions", options={"connectivity": connectivity}),
        )
        for connectivity in (6, 26)
    )
    convention = Convention(name="both", metrics=counts)
    case = score_case(CORNER_PAIR, CORNER_PAIR, label_targets([1]), ONE_MM, "case", convention)
    assert (case.labels[0].value("lesions_6"), case.labels[0].value("lesions_26")) == (2, 1)
    assert summarise([case], convention).label(1).statistics("lesions_6").mean == 2.0


def test_titles_of_columns_tell_one_metric_under_two_names_apart():
    f1 = choose_metrics(["lesion_f1"])
    strict = NamedMetric(name="f1_faces", metric=Choice(name="lesion_f1", options={"connectivity": 6}))
    convention = Convention(
        name="both", metrics=(*f1, strict, *choose_metrics(["volume_difference_ml", "reference_lesions"]))
    )
    assert convention.column_titles() == {
        "lesion_f1": "Lesion F1 (lesion_f1)",
        "f1_faces": "Lesion F1 (f1_faces)",
        "volume_difference_ml": "Volume difference, ml",
    }


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(name="dise"), r"convention mine: there is no metric 'dise'. Did you mean 'dice'\?"),
        (Choice(name="lesion_f1", options={"conectivity": 6}), "Did you mean 'connectivity'"),
        (Choice(name="lesion_f1", options={"connectivity": 7}), "connectivity"),
    ],
)
def test_unknown_metrics_options_and_values_are_refused(choice, message):
    convention = Convention(name="mine", metrics=(NamedMetric(name="score", metric=choice),))
    with pytest.raises(AutosegError, match=message):
        score_case(CORNER_PAIR, CORNER_PAIR, label_targets([1]), ONE_MM, "case", convention)


def test_two_scores_of_one_name_are_refused():
    with pytest.raises(PlanError, match="two metrics are called 'dice'"):
        Convention(name="mine", metrics=choose_metrics(["dice", "dice"])).build()


def test_metrics_are_added_once_and_the_name_says_so():
    extended = add_metrics(DEFAULT_CONVENTION, ["lesion_recall", "dice", "lesion_recall"])
    assert [entry.name for entry in extended.metrics] == [
        *(entry.name for entry in DEFAULT_CONVENTION.metrics),
        "lesion_recall",
    ]
    assert extended.name == "autoseg + lesion_recall"
    assert add_metrics(DEFAULT_CONVENTION, ["dice"]) == DEFAULT_CONVENTION


def test_a_convention_is_recorded_with_every_option_written_out():
    case = score_case(CORNER_PAIR, np.zeros_like(CORNER_PAIR), label_targets([1]), ONE_MM, "case")
    recorded = {entry.name: entry.metric for entry in summarise([case]).convention.metrics}
    assert recorded["hd95_mm"] == Choice(
        name="hausdorff_mm", options={"percentile": 95.0, "both_empty": None, "one_empty": None}
    )
    assert recorded["lesion_f1"].options == {
        "connectivity": 26,
        "matching": "any_overlap",
        "both_empty": 1.0,
        "one_empty": 0.0,
    }


def test_the_rule_for_empty_masks_is_an_option():
    nothing = np.zeros_like(CORNER_PAIR)
    dropped = NamedMetric(name="dice", metric=Choice(name="dice", options={"both_empty": None}))
    convention = replace(DEFAULT_CONVENTION, name="nan", metrics=(dropped,))
    cases = [
        score_case(mask, mask, label_targets([1]), ONE_MM, name, convention)
        for name, mask in (("a", nothing), ("b", CORNER_PAIR))
    ]
    dice = summarise(cases, convention).label(1).statistics("dice")
    assert (dice.mean, dice.n) == (1.0, 1)
