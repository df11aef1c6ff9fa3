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


def test_lesions_are_matched_one_to_one_with_the_best_pairs_first():

    reference = make_box((40, 3, 3), (0, 1, 1), (6, 2, 2)) + make_box((40, 3, 3), (7, 1, 1), (12, 2, 2)) > 0
    prediction = make_box((40, 3, 3), (3, 1, 1), (12, 2, 2)) + make_box((40, 3, 3), (0, 1, 1), (2, 2, 2)) > 0
    pair = pair_masks(prediction, reference, ONE_MM)
    # 9 predicted voxels hold 3 and 5: IoU 3 / 12 and 5 / 9; the other 2 lie in the first of the reference, 2 / 6.
    match = pair.match_lesions(26, "iou_0.25")
    assert (match.found, match.missed, match.false) == (2, 0, 0)
    assert match.ious == pytest.approx((5 / 9, 2 / 6))
    match = pair.match_lesions(26, "iou_0.5")
    assert (match.found, match.missed, match.false) == (1, 1, 1)
    # Leniently, all are found and right.
    assert pair.match_lesions(26, "any_overlap") == LesionMatch(found=2, missed=0, false=0)


def test_pairs_are_found_alike_in_few_and_in_very_many_lesions():
    generator = np.random.default_rng(0)
    prediction, reference = (generator.random((60, 60, 40)) < 0.03 for _ in range(2))
    lesions = pair_masks(prediction, reference, ONE_MM).lesions(6)
    assert lesions.prediction.count * lesions.reference.count > 1_000_000
    predicted, true, voxels = lesions.overlaps
    assert voxels.sum() == (prediction & reference).sum()
    assert len(set(zip(predicted.tolist(), true.tolist(), strict=True))) == len(voxels)
    assert lesions.reference_sizes.sum() == reference.sum()
