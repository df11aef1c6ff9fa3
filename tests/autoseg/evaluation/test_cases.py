from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autoseg.evaluation import (
    DEFAULT_CONVENTION,
    LabelScores,
    Segment,
    Targets,
    label_targets,
    parse_region,
    score_case,
)
from dataset_fingerprints.errors import DataError
from tests.autoseg.evaluation.masks import ONE_MM, make_ball, make_box, make_points

SHAPE = (20, 20, 20)
NOTHING = np.zeros(SHAPE, dtype=np.uint8)
BOX = make_box(SHAPE, (2, 2, 2), (12, 12, 12))
OVERLAPS = ("dice", "iou", "precision", "recall", "lesion_f1")
MEASUREMENTS = (
    "reference_volume_ml",
    "prediction_volume_ml",
    "volume_difference_ml",
    "reference_lesions",
    "prediction_lesions",
    "lesion_count_difference",
)


def score(prediction, reference, spacing_mm=ONE_MM) -> LabelScores:
    return score_case(prediction, reference, label_targets([1]), spacing_mm, "case").labels[0]


def test_scores_have_the_names_and_the_order_of_the_convention():
    names = ("dice", "iou", "precision", "recall", "hd95_mm", "lesion_f1", *MEASUREMENTS)
    assert tuple(score.metric for score in score(BOX, BOX).scores) == names


def test_identical_masks_score_perfectly():
    scores = score(BOX, BOX)
    for name, metric in DEFAULT_CONVENTION.build().items():
        assert metric.about.perfect is None or scores.value(name) == metric.about.perfect


def test_a_score_that_could_not_be_measured_is_none_or_not_a_number():
    scores = score(BOX, NOTHING)
    assert scores.value("hd95_mm") is None
    assert np.isnan(scores.number("hd95_mm"))
    with pytest.raises(ValueError, match=r"no metric 'dise'\. Did you mean 'dice'"):
        scores.value("dise")


def test_shifted_boxes_have_the_scores_of_their_geometry():
    # Two boxes of 10x10x10 voxels of 1x2x3 mm, shifted by 4 voxels along x: 600 of 1000 voxels are shared.
    shifted = make_box(SHAPE, (6, 2, 2), (16, 12, 12))
    scores = score(shifted, BOX, (1.0, 2.0, 3.0))
    assert scores.value("dice") == pytest.approx(0.6)
    assert scores.value("iou") == pytest.approx(600 / 1400)
    assert scores.value("precision") == scores.value("recall") == pytest.approx(0.6)
    assert scores.value("reference_volume_ml") == scores.value("prediction_volume_ml") == pytest.approx(6.0)
    assert scores.value("volume_difference_ml") == 0.0
    # The far face, a fifth of the surface, lies 4 voxels of 1 mm outside.
    assert scores.value("hd95_mm") == 4.0


def test_ball_has_the_volume_of_its_radius():
    ball = make_ball((61, 61, 31), 25.0, (1.0, 1.0, 2.0))
    # The voxelised volume of a ball of 25 voxels' radius is within a percent of the formula.
    assert score(ball, ball, (1.0, 1.0, 2.0)).value("reference_volume_ml") == pytest.approx(
        4 / 3 * np.pi * 25**3 / 1000, rel=0.01
    )


def test_differences_are_absolute():
    two = make_points(SHAPE, (1, 1, 1), (9, 9, 9))
    one = make_points(SHAPE, (1, 1, 1))
    for prediction, reference in ((two, one), (one, two)):
        scores = score(prediction, reference)
        assert scores.value("volume_difference_ml") == pytest.approx(0.001)
        assert scores.value("lesion_count_difference") == 1


def test_empty_prediction_on_empty_case_scores_one():
    scores = score(NOTHING, NOTHING)
    assert [scores.value(name) for name in OVERLAPS] == [1.0] * 5
    assert scores.value("hd95_mm") is None
    assert scores.presence == "absent"
    assert [scores.value(name) for name in MEASUREMENTS] == [0.0] * 6


@pytest.mark.parametrize(("prediction", "reference"), [(BOX, NOTHING), (NOTHING, BOX)])
def test_one_empty_mask_scores_zero_and_has_no_distance(prediction, reference):
    scores = score(prediction, reference)
    assert [scores.value(name) for name in OVERLAPS] == [0.0] * 5
    assert scores.value("hd95_mm") is None
    assert scores.presence == ("missed" if reference.any() else "invented")
    assert scores.value("volume_difference_ml") == pytest.approx(1.0)
    assert scores.value("lesion_count_difference") == 1


def test_each_label_is_a_mask_of_its_own():
    reference = BOX + make_box(SHAPE, (14, 14, 14), (18, 18, 18), 7)
    prediction = np.where(reference == 7, 0, reference)
    first, seventh, absent = score_case(prediction, reference, label_targets([1, 7, 9]), ONE_MM, "case").labels
    assert (first.label, first.value("dice"), first.value("reference_volume_ml")) == (1, 1.0, pytest.approx(1.0))
    assert (seventh.label, seventh.value("dice")) == (7, 0.0)
    assert seventh.value("reference_volume_ml") == pytest.approx(0.064)
    assert (absent.label, absent.value("dice")) == (9, 1.0)


def test_single_slice_is_scored_by_its_outline():
    reference = make_box((20, 20, 1), (0, 0, 0), (20, 20, 1))
    prediction = make_box((20, 20, 1), (5, 5, 0), (15, 15, 1))
    assert score(prediction, reference).value("hd95_mm") == pytest.approx(np.hypot(5, 3), abs=1.0)


def test_arrays_of_different_shape_are_refused():
    with pytest.raises(ValueError, match=r"case left: the prediction has shape \(2, 2, 2\), the reference \(2, 2, 3\)"):
        score_case(np.zeros((2, 2, 2), int), np.zeros((2, 2, 3), int), label_targets([1]), ONE_MM, "left")


@given(
    masks=arrays.arrays(np.uint8, (2, 4, 5, 3), elements=st.integers(0, 1)),
    border=st.integers(0, 3),
)
def test_scores_are_within_bounds_and_ignore_the_background_around(masks, border):
    scores = score(*masks)
    assert all(0.0 <= scores.value(name) <= 1.0 for name in OVERLAPS)
    assert score(*(np.pad(mask, border) for mask in masks)) == scores


def test_a_region_is_one_mask_of_all_its_labels():
    reference = BOX + make_box(SHAPE, (14, 14, 14), (18, 18, 18), 2)
    whole = Targets(segments=(Segment(label="whole", values=(1, 2)),))
    swapped = np.where(reference == 1, 2, np.where(reference == 2, 1, 0))
    assert score_case(swapped, reference, whole, ONE_MM, "case").labels[0].value("dice") == 1.0
    assert score_case(swapped, reference, label_targets([1]), ONE_MM, "case").labels[0].value("dice") == 0.0


def test_what_the_reference_ignores_changes_no_score():
    reference = BOX.copy()
    reference[:, :, 12:] = 9
    targets = Targets(segments=label_targets([1]).segments, ignored=9)
    noise = np.random.default_rng(0).integers(0, 2, SHAPE)
    noisy = np.where(reference == 9, noise, BOX)
    assert score_case(noisy, reference, targets, ONE_MM, "case") == score_case(BOX, reference, targets, ONE_MM, "case")
    assert score_case(noisy, reference, targets, ONE_MM, "case").labels[0].value("dice") == 1.0


def test_labels_are_scored_once_and_not_what_is_ignored():
    with pytest.raises(DataError, match="1 is given 2 times"):
        label_targets((1, 2, 1))
    with pytest.raises(DataError, match="core: holds the value 9, which is ignored"):
        Targets(segments=(Segment(label="core", values=(1, 9)),), ignored=9)


def test_a_region_is_read_from_its_text():
    assert parse_region("core = 2, 3") == Segment(label="core", values=(2, 3))


@pytest.mark.parametrize(
    "text", ["core", "=1", "core=", "core=a", "core=1;2", "core=1 2", "core=1,", "core=" + "9" * 5000]
)
def test_a_text_that_names_no_region_is_refused(text):
    with pytest.raises(DataError, match="Expected a name and label values"):
        parse_region(text)


def test_a_region_is_not_called_by_a_number():
    with pytest.raises(DataError, match="is called by a number, as labels are"):
        parse_region("1=1,2")
