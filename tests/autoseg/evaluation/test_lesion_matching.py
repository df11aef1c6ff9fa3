from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from autoseg.evaluation import LENIENT_6, LENIENT_26, LesionConvention
from autoseg.evaluation.lesion_matching import match_lesions
from tests.autoseg.evaluation.masks import make_box, make_points

SHAPE = (12, 12, 12)
NOTHING = np.zeros(SHAPE, dtype=bool)


@pytest.mark.parametrize(
    ("second", "counts"),
    [((1, 1, 2), (1, 1, 1)), ((1, 2, 2), (2, 1, 1)), ((2, 2, 2), (2, 2, 1))],
    ids=["face", "edge", "corner"],
)
def test_connectivity_decides_whether_two_voxels_are_one_lesion(second, counts):
    mask = make_points(SHAPE, (1, 1, 1), second) > 0
    conventions = (LENIENT_6, LesionConvention(name="lenient_18", connectivity=18), LENIENT_26)
    assert tuple(match_lesions(mask, mask, convention).reference for convention in conventions) == counts


@pytest.mark.parametrize(("convention", "fully"), [(LENIENT_6, False), (LENIENT_26, True)])
def test_lesion_counts_agree_with_simpleitk(convention, fully):
    mask = np.random.default_rng(0).random(SHAPE) < 0.1
    labelled = SimpleITK.ConnectedComponent(SimpleITK.GetImageFromArray(mask.astype(np.uint8)), fully)
    expected = int(SimpleITK.GetArrayFromImage(labelled).max())
    assert match_lesions(mask, mask, convention).reference == expected


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 5, 3), (3, 3, 3), (5, 6, 1)])
def test_small_box_with_a_lesion_in_every_second_voxel_is_counted(shape):
    # cc3d 4.1.1 runs out of the room that it estimates for 26-connected components here.
    mask = np.zeros(shape, dtype=bool)
    mask[::2, ::2, ::2] = True
    assert match_lesions(mask, mask, LENIENT_26).reference == mask.sum()


def test_prediction_that_bridges_two_lesions_finds_both():
    reference = make_points(SHAPE, (1, 5, 5), (9, 5, 5)) > 0
    prediction = make_box(SHAPE, (1, 5, 5), (10, 6, 6)) > 0
    match = match_lesions(prediction, reference, LENIENT_26)
    assert (match.prediction, match.reference, match.found, match.right) == (1, 2, 2, 1)
    assert match.f1() == 1.0


def test_two_predictions_inside_one_lesion_are_both_right():
    reference = make_box(SHAPE, (1, 5, 5), (10, 6, 6)) > 0
    prediction = make_points(SHAPE, (1, 5, 5), (9, 5, 5)) > 0
    match = match_lesions(prediction, reference, LENIENT_26)
    assert (match.prediction, match.reference, match.found, match.right) == (2, 1, 1, 2)
    assert match.f1() == 1.0


def test_f1_counts_missed_and_false_lesions_half():
    reference = make_points(SHAPE, (1, 1, 1), (5, 5, 5)) > 0
    prediction = make_points(SHAPE, (1, 1, 1), (9, 9, 9), (9, 1, 9)) > 0
    assert match_lesions(prediction, reference, LENIENT_26).f1() == pytest.approx(1 / (1 + (2 + 1) / 2))


def test_f1_is_one_without_lesions_and_zero_when_one_side_is_empty():
    lesion = make_points(SHAPE, (1, 1, 1)) > 0
    assert match_lesions(NOTHING, NOTHING, LENIENT_26).f1() == 1.0
    assert match_lesions(lesion, NOTHING, LENIENT_26).f1() == 0.0
    assert match_lesions(NOTHING, lesion, LENIENT_26).f1() == 0.0
