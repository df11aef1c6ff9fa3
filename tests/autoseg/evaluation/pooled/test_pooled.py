from __future__ import annotations

import math

import numpy as np
import pytest

from autoseg.evaluation import (
    METRICS,
    POOLED,
    Convention,
    add_metrics,
    choose_metrics,
    label_targets,
    name_metric,
    read_evaluation,
    score_case,
    summarise,
    write_evaluation,
)
from autoseg.evaluation.conventions import add_figures
from autoseg.evaluation.metrics import describe_empty
from dataset_fingerprints.errors import PlanError
from tests.autoseg.evaluation.masks import ONE_MM, make_box, make_points

SHAPE = (12, 8, 8)
NOTHING = np.zeros(SHAPE, dtype=np.uint8)
LARGE, HALF = make_box(SHAPE, (0, 0, 0), (10, 5, 4)), make_box(SHAPE, (0, 0, 0), (5, 5, 4))
SMALL, POINTS = make_points(SHAPE, (11, 7, 7)), make_points(SHAPE, (0, 0, 0), (11, 7, 7))
EVERYTHING = add_metrics(Convention(name="all", metrics=choose_metrics(["dice"])), POOLED)
# (prediction, reference): a large lesion half found, a small one missed, one of two found, one invented, none.
CASES = ((HALF, LARGE), (NOTHING, SMALL), (SMALL, POINTS), (SMALL, NOTHING), (NOTHING, NOTHING))


def evaluate(pairs=CASES, convention=EVERYTHING):
    cases = [
        score_case(prediction, reference, label_targets([1]), ONE_MM, f"case{number}", convention)
        for number, (prediction, reference) in enumerate(pairs)
    ]
    return summarise(cases, convention)


def figures(evaluation):
    return {figure.name: figure for figure in evaluation.label(1).pooled}


# The large lesion lies in four eighths, of which two are found, and each point in one: TP 2 + 1, FP 1, FN 2 + 1 + 1.
# TP 100 + 1, FP 1, FN 100 + 1 + 1 of voxels; scans: TP 2, FP 1, FN 1, TN 1; lesions: found 2, missed 2, false 1.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("micro_dice", 202 / (202 + 1 + 102)),
        ("micro_iou", 101 / 204),
        ("micro_precision", 101 / 102),
        ("micro_recall", 101 / 203),
        ("scan_sensitivity", 2 / 3),
        ("scan_specificity", 1 / 2),
        ("scan_precision", 2 / 3),
        ("scan_accuracy", 3 / 5),
        ("scan_f1", 4 / 6),
        ("pooled_lesion_f1", 2 / (2 + 3 / 2)),
        ("pooled_recall_by_size", 1 / 3),
        ("subvolume_recall", 3 / 7),
        ("subvolume_precision", 3 / 4),
        ("subvolume_f1", 6 / 11),
    ],
)
def test_figures_of_all_cases_have_the_values_by_hand(name, expected):
    figure = figures(evaluate())[name]
    assert (figure.value, figure.n) == (pytest.approx(expected), 5)
    assert figure.ci95[0] <= figure.value <= figure.ci95[1]


def test_every_figure_is_tested_and_described():
    assert set(POOLED) == set(figures(evaluate()))
    for kind in POOLED.values():
        assert kind().about.better == "higher"
        assert kind().about.title
        assert describe_empty(kind())
        assert {type(metric) for metric in kind().needs().values()} <= set(METRICS.values())


def test_a_figure_of_nothing_has_no_value():
    found = figures(evaluate(((NOTHING, NOTHING), (NOTHING, NOTHING))))
    assert found["scan_specificity"].value == 1.0
    assert (found["micro_dice"].value, found["micro_dice"].ci95, found["micro_dice"].n) == (None, None, 2)


def test_few_cases_have_no_interval():
    assert figures(evaluate(CASES[:4]))["micro_dice"].ci95 is None


def test_a_perfect_prediction_has_the_perfect_figures():
    for figure in figures(evaluate([(true, true) for _, true in CASES[:3]])).values():
        about = POOLED[figure.name]().about
        assert figure.value is None if figure.name == "scan_specificity" else figure.value == about.perfect


def test_the_volume_from_which_on_a_scan_has_a_lesion_is_an_option():
    convention = add_figures(
        Convention(name="mine", metrics=choose_metrics(["dice"])),
        [name_metric("large_found", "scan_sensitivity", above_ml=0.05)],
    )
    assert figures(evaluate(convention=convention))["large_found"].value == 1.0


def test_figures_are_written_and_read_back(tmp_path):
    evaluation = evaluate()
    write_evaluation(tmp_path / "metrics.json", evaluation)
    assert read_evaluation(tmp_path / "metrics.json") == evaluation


def test_a_convention_without_the_scores_of_a_figure_is_refused():
    convention = Convention(name="mine", metrics=choose_metrics(["dice"]), pooled=choose_metrics(["micro_dice"]))
    with pytest.raises(PlanError, match="'micro_dice' is made of the score 'true_positives'"):
        convention.build_pooled()
    with pytest.raises(PlanError, match="there is no pooled figure 'micro_dise'"):
        add_figures(convention, choose_metrics(["micro_dise"]))


def test_cases_without_a_score_are_not_pooled():
    convention = add_figures(
        Convention(name="mine", metrics=choose_metrics(["dice"])),
        [name_metric("recall", "pooled_recall_by_size", least_mm3=1000.0, below_mm3=None)],
    )
    assert figures(evaluate(convention=convention))["recall"].value is None
    assert not math.isnan(figures(evaluate())["pooled_recall_by_size"].value)


def test_scans_of_one_subject_are_drawn_together():
    def scored(visits):
        return [
            score_case(prediction, reference, label_targets([1]), ONE_MM, f"sub-{person}_ses-{visit}", EVERYTHING)
            for person, (prediction, reference) in enumerate(CASES)
            for visit in range(visits)
        ]

    once, twice = (figures(summarise(scored(visits), EVERYTHING))["micro_dice"] for visits in (1, 2))
    # Two equal scans of everybody say no more than one.
    assert twice.ci95 == pytest.approx(once.ci95)
    assert (twice.value, twice.n) == (pytest.approx(once.value), 10)
    # Eight scans, but of four people only.
    assert figures(summarise(scored(2)[:8], EVERYTHING))["micro_dice"].ci95 is None
