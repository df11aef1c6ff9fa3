"""Published definitions: the values of their sources for every kind of empty, split, bridged and touching lesions."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation import (
    CONVENTIONS,
    label_targets,
    pair_masks,
    pair_soft_masks,
    read_evaluation,
    score_case,
    summarise,
    write_evaluation,
)
from tests.autoseg.evaluation.masks import ONE_MM, make_box, make_points

SHAPE = (20, 12, 10)
NOTHING = np.zeros(SHAPE, dtype=bool)
# 27 voxels each; the bridge holds both and the voxels between, 3x3x11.
TWO = (make_box(SHAPE, (1, 2, 2), (4, 5, 5)) + make_box(SHAPE, (9, 2, 2), (12, 5, 5))) > 0
ONE = make_box(SHAPE, (1, 2, 2), (4, 5, 5)) > 0
BRIDGE = make_box(SHAPE, (1, 2, 2), (12, 5, 5)) > 0
CORNERS = make_points(SHAPE, (3, 3, 3), (4, 4, 4)) > 0
EDGES = make_points(SHAPE, (3, 3, 3), (4, 4, 3)) > 0
FAR = make_box(SHAPE, (15, 8, 6), (18, 11, 9)) > 0
# Inside one lesion of 17x1x1 voxels, 3 of them: an IoU of 3/17 = 0.176.
LONG = make_box(SHAPE, (1, 8, 8), (18, 9, 9)) > 0
SHORT = make_box(SHAPE, (5, 8, 8), (8, 9, 9)) > 0


def score(convention, prediction, reference, spacing_mm=ONE_MM, probabilities=None):
    pair = pair_masks(prediction, reference, spacing_mm, probabilities=probabilities)
    return {name: metric.measure(pair) for name, metric in CONVENTIONS[convention].build().items()}


def challenge(convention, prediction, reference, spacing_mm=ONE_MM):
    """Return Dice, volume difference, lesion count difference and lesion F1."""
    found = score(convention, prediction, reference, spacing_mm)
    volume = "volume_difference_voxels" if convention == "atlas-r2" else "volume_difference_ml"
    return tuple(found[name] for name in ("dice", volume, "lesion_count_difference", "lesion_f1"))


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        (NOTHING, NOTHING, (1.0, 0, 0, 1.0)),
        (TWO, NOTHING, (0.0, 54, 2, 0.0)),
        (NOTHING, TWO, (0.0, 54, 2, 0.0)),
        (TWO, TWO, (1.0, 0, 0, 1.0)),
        # One prediction that bridges two lesions finds both.
        (BRIDGE, TWO, (2 * 54 / (99 + 54), 45, 1, 1.0)),
        # A lesion that is hit by two predictions is found once, and neither is false.
        (TWO, BRIDGE, (2 * 54 / (99 + 54), 45, 1, 1.0)),
        (ONE, TWO, (2 * 27 / (27 + 54), 27, 1, 1 / 1.5)),
        (FAR, ONE, (0.0, 0, 0, 0.0)),
        # Voxels that touch by corners or edges are two lesions each, of which one is found.
        (CORNERS, EDGES, (2 * 1 / 4, 0, 0, 0.5)),
    ],
)
def test_atlas_r2_scores_as_its_code_does(prediction, reference, expected):
    assert challenge("atlas-r2", prediction, reference) == pytest.approx(expected)


def test_atlas_r2_counts_voxels_whatever_their_size():
    assert challenge("atlas-r2", TWO, NOTHING, (2.0, 2.0, 2.0))[1] == 54


@pytest.mark.parametrize(("pair", "lesions"), [(CORNERS, 2), (EDGES, 2)])
def test_atlas_r2_tells_lesions_apart_that_touch_by_corners_or_edges(pair, lesions):
    assert challenge("atlas-r2", pair, NOTHING)[2] == lesions
    assert challenge("isles22", pair, NOTHING)[2] == 1


def test_atlas_r2_takes_soft_masks_as_they_are():
    prediction = np.where(ONE, 0.5, 0.0)
    prediction[15, 9, 8] = 0.25
    pair = pair_soft_masks(prediction, TWO.astype(np.float64), ONE_MM)
    found = {name: metric.measure(pair) for name, metric in CONVENTIONS["atlas-r2"].build().items()}
    # 2 sum(p t) / (sum(p) + sum(t)): 27 voxels of 0.5 in the first lesion, and one of 0.25 that is false.
    assert found["dice"] == pytest.approx(2 * 13.5 / (13.75 + 54))
    assert found["volume_difference_voxels"] == pytest.approx(54 - 13.75)
    # Any value above 0 is a lesion: two predicted ones, of which one is false, and one of two found.
    assert found["lesion_count_difference"] == 0
    assert found["lesion_f1"] == pytest.approx(1 / (1 + (1 + 1) / 2))


def test_equal_soft_masks_score_below_one_and_values_above_one_are_cut():
    half = np.where(ONE, 0.5, 0.0)
    dice = CONVENTIONS["atlas-r2"].build()["dice"]
    assert dice.measure(pair_soft_masks(half, half, ONE_MM)) == pytest.approx(0.5)
    assert dice.measure(pair_soft_masks(np.where(ONE, 255.0, 0.0), ONE.astype(np.float64), ONE_MM)) == 1.0


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        (NOTHING, NOTHING, (1.0, 0.0, 0, 1.0)),
        (TWO, NOTHING, (0.0, 0.432, 2, 0.0)),
        (NOTHING, TWO, (0.0, 0.432, 2, 0.0)),
        (BRIDGE, TWO, (2 * 54 / (99 + 54), 0.36, 1, 1.0)),
        (TWO, BRIDGE, (2 * 54 / (99 + 54), 0.36, 1, 1.0)),
        (CORNERS, EDGES, (0.5, 0.0, 0, 1.0)),
    ],
)
def test_isles22_scores_as_its_code_does_in_ml_and_with_corners(prediction, reference, expected):
    assert challenge("isles22", prediction, reference, (2.0, 2.0, 2.0)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("prediction", "reference", "f1"),
    [
        (NOTHING, NOTHING, 1.0),
        (TWO, NOTHING, 0.0),
        (NOTHING, TWO, 0.0),
        (TWO, TWO, 1.0),
        # One to one: the bridge is a pair with one of both, at an IoU of 27 / 99 = 0.27.
        (BRIDGE, TWO, 1 / 1.5),
        (TWO, BRIDGE, 1 / 1.5),
        (SHORT, LONG, 0.0),
    ],
)
def test_isles26_matches_lesions_one_to_one_from_an_iou_of_a_quarter_on(prediction, reference, f1):
    for convention in ("isles26", "isles26-official"):
        assert score(convention, prediction, reference)["lesion_f1"] == pytest.approx(f1)


def test_the_official_dice_of_isles26_is_zero_where_no_pair_of_lesions_reaches_a_quarter():
    plain = 2 * 3 / (3 + 17)
    assert score("isles26", SHORT, LONG)["dice"] == pytest.approx(plain) == pytest.approx(0.3)
    assert score("isles26-official", SHORT, LONG)["dice"] == 0.0
    # One matched pair anywhere restores it.
    dice = score("isles26-official", SHORT | ONE, LONG | ONE)["dice"]
    assert dice == pytest.approx(2 * 30 / (30 + 44)) == score("isles26", SHORT | ONE, LONG | ONE)["dice"]
    assert score("isles26-official", NOTHING, NOTHING)["dice"] == 1.0
    assert score("isles26-official", NOTHING, ONE)["dice"] == score("isles26-official", ONE, NOTHING)["dice"] == 0.0


def test_pr_auc_of_an_empty_reference_is_one_only_of_a_constant_map():
    constant, varied = (np.full(SHAPE, 0.1, dtype=np.float32) for _ in range(2))
    varied[0, 0, 0] = 0.100001
    assert score("isles26", NOTHING, NOTHING, probabilities=constant)["pr_auc"] == 1.0
    assert score("isles26", NOTHING, NOTHING, probabilities=varied)["pr_auc"] == 0.0
    assert score("isles26", NOTHING, NOTHING)["pr_auc"] is None


def test_nnunet_leaves_out_cases_without_a_voxel_in_either_mask():
    assert score("nnunet", NOTHING, NOTHING)["dice"] is None
    assert score("nnunet", NOTHING, NOTHING)["iou"] is None
    assert score("nnunet", ONE, NOTHING)["dice"] == score("nnunet", NOTHING, ONE)["dice"] == 0.0
    found = score("nnunet", ONE, TWO)
    assert [found[name] for name in ("true_positives", "false_positives", "false_negatives", "true_negatives")] == [
        *(27, 0, 27, 20 * 12 * 10 - 54)
    ]


def test_tomita_has_no_dice_of_nothing_and_ratios_of_nothing_are_zero_as_in_scikit_learn():
    found = score("tomita2020", NOTHING, NOTHING)
    assert (found["dice"], found["recall"], found["precision"], found["hd_mm"]) == (None, 0.0, 0.0, None)
    found = score("tomita2020", ONE, ONE)
    assert (found["dice"], found["hd_mm"], found["assd_mm"]) == (1.0, 0.0, 0.0)
    assert [entry.name for entry in CONVENTIONS["tomita2020"].pooled] == ["micro_dice"]


def test_every_convention_has_what_tables_need():
    for convention in CONVENTIONS.values():
        assert {"dice", "reference_volume_ml", "prediction_volume_ml"} <= convention.build().keys()
        assert convention.build_pooled().keys() == {entry.name for entry in convention.pooled}
        assert convention.spell_out().build() == convention.build()


@pytest.mark.parametrize("name", CONVENTIONS)
def test_results_of_every_convention_are_written_and_read_back(name, tmp_path):
    convention = CONVENTIONS[name]
    pairs = [(ONE, TWO), (BRIDGE, TWO), (NOTHING, ONE), (NOTHING, NOTHING)]
    cases = [
        score_case(*(mask.astype(np.uint8) for mask in pair), label_targets([1]), ONE_MM, f"case{number}", convention)
        for number, pair in enumerate(pairs)
    ]
    evaluation = summarise(cases, convention)
    write_evaluation(tmp_path / "metrics.json", evaluation)
    assert read_evaluation(tmp_path / "metrics.json") == evaluation
