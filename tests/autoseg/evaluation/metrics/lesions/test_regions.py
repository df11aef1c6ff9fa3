from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from autoseg.evaluation import pair_masks
from autoseg.evaluation.lesion_matching import label_lesions
from autoseg.evaluation.metrics.lesions.regions import ComponentDiceOptions, assign_to_nearest
from tests.autoseg.evaluation.masks import ONE_MM, make_box

SHAPE = (20, 6, 6)


def score_region_by_region(prediction, reference):
    """Return CC-Dice as it is defined: a distance map of each lesion, the first of the nearest ones owns a voxel."""
    lesions = label_lesions(reference, 26)
    maps = [ndimage.distance_transform_edt(lesions.voxels != number + 1) for number in range(lesions.count)]
    owners = np.argmin(maps, axis=0)
    scores = []
    for number in range(lesions.count):
        mine, own = prediction & (owners == number), lesions.voxels == number + 1
        scores.append(2 * (mine & own).sum() / (mine.sum() + own.sum()))
    return np.mean(scores)


def test_a_large_lesion_does_not_hide_a_missed_small_one():
    large, small = make_box(SHAPE, (0, 0, 0), (8, 6, 6)) > 0, make_box(SHAPE, (18, 0, 0), (19, 1, 1)) > 0
    pair = pair_masks(large, large | small, ONE_MM)
    assert ComponentDiceOptions().measure(pair) == pytest.approx(0.5)


def test_voxels_astray_count_against_the_lesion_that_is_nearest():
    first, second = make_box(SHAPE, (0, 0, 0), (2, 1, 1)) > 0, make_box(SHAPE, (15, 0, 0), (17, 1, 1)) > 0
    astray = make_box(SHAPE, (4, 0, 0), (6, 1, 1)) > 0
    pair = pair_masks(first | second | astray, first | second, ONE_MM)
    assert ComponentDiceOptions().measure(pair) == pytest.approx((2 * 2 / (2 + 4) + 1.0) / 2)


def test_a_voxel_between_two_lesions_belongs_to_the_first():
    lesions = label_lesions(
        make_box((5, 1, 1), (0, 0, 0), (1, 1, 1)) + make_box((5, 1, 1), (4, 0, 0), (5, 1, 1)) > 0, 26
    )
    assert assign_to_nearest(np.array([[2, 0, 0], [3, 0, 0]]), lesions).tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(6))
def test_random_masks_score_as_region_by_region(seed):
    generator = np.random.default_rng(seed)
    prediction, reference = (ndimage.gaussian_filter(generator.random((14, 12, 10)), 0.8) > cut for cut in (0.56, 0.6))
    found = ComponentDiceOptions().measure(pair_masks(prediction, reference, (1.0, 2.0, 3.0)))
    assert found == pytest.approx(score_region_by_region(prediction, reference))
