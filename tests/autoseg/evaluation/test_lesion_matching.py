from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from autoseg.evaluation import pair_masks
from autoseg.evaluation.lesion_matching import LesionMatch, label_lesions
from tests.autoseg.evaluation.masks import ONE_MM, make_box, make_points

SHAPE = (12, 12, 12)


@pytest.mark.parametrize(
    ("second", "counts"),
    [((1, 1, 2), (1, 1, 1)), ((1, 2, 2), (2, 1, 1)), ((2, 2, 2), (2, 2, 1))],
    ids=["face", "edge", "corner"],
)
def test_connectivity_decides_whether_two_voxels_are_one_lesion(second, counts):
    mask = make_points(SHAPE, (1, 1, 1), second) > 0
    assert tuple(label_lesions(mask, connectivity).count for connectivity in (6, 18, 26)) == counts


@pytest.mark.parametrize(("connectivity", "fully"), [(6, False), (26, True)])
def test_lesion_counts_agree_with_simpleitk(connectivity, fully):
    mask = np.random.default_rng(0).random(SHAPE) < 0.1
    labelled = SimpleITK.ConnectedComponent(SimpleITK.GetImageFromArray(mask.astype(np.uint8)), fully)
    expected = int(SimpleITK.GetArrayFromImage(labelled).max())
    assert label_lesions(mask, connectivity).count == expected


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 5, 3), (3, 3, 3), (5, 6, 1)])
def test_small_box_with_a_lesion_in_every_second_voxel_is_counted(shape):
    # cc3d 4.1.1 runs out of the space that it estimates for 26-connected components here.
    mask = np.zeros(shape, dtype=bool)
    mask[::2, ::2, ::2] = True
    assert label_lesions(mask, 26).count == mask.sum()


def test_prediction_that_bridges_two_lesions_finds_both():
    reference = make_points(SHAPE, (1, 5, 5), (9, 5, 5)) > 0
    prediction = make_box(SHAPE, (1, 5, 5), (10, 6, 6)) > 0
    pair = pair_masks(prediction, reference, ONE_MM)
    assert (pair.lesions(26).prediction.count, pair.lesions(26).reference.count) == (1, 2)
    assert pair.match_lesions(26, "any_overlap") == LesionMatch(found=2, missed=0, false=0)


def test_two_predictions_inside_one_lesion_are_both_right():
    reference = make_box(SHAPE, (1, 5, 5), (10, 6, 6)) > 0
    prediction = make_points(SHAPE, (1, 5, 5), (9, 5, 5)) > 0
    pair = pair_masks(prediction, reference, ONE_MM)
    assert (pair.lesions(26).prediction.count, pair.lesions(26).reference.count) == (2, 1)
    assert pair.match_lesions(26, "any_overlap") == LesionMatch(found=1, missed=0, false=0)


def test_lesions_without_a_shared_voxel_are_missed_and_false():
    reference = make_points(SHAPE, (1, 1, 1), (5, 5, 5)) > 0
    prediction = make_points(SHAPE, (1, 1, 1), (9, 9, 9), (9, 1, 9)) > 0
    match = pair_masks(prediction, reference, ONE_MM).match_lesions(26, "any_overlap")
    assert match == LesionMatch(found=1, missed=1, false=2)
