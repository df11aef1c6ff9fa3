from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation import pair_masks
from autoseg.evaluation.metrics.lesions.by_size import (
    FoundBySizeOptions,
    LesionRecallBySizeOptions,
    LesionsBySizeOptions,
)
from tests.autoseg.evaluation.masks import make_box

SHAPE = (30, 12, 12)
# Lesions of 1, 10 and 100 voxels, of 8 mm3 each; the first two are found.
REFERENCE = (
    make_box(SHAPE, (0, 0, 0), (1, 1, 1))
    + make_box(SHAPE, (3, 0, 0), (5, 5, 1))
    + make_box(SHAPE, (8, 0, 0), (12, 5, 5))
) > 0
PREDICTION = make_box(SHAPE, (0, 0, 0), (4, 5, 1)) > 0
PAIR = pair_masks(PREDICTION, REFERENCE, (2.0, 2.0, 2.0))


@pytest.mark.parametrize(
    ("limits", "lesions", "found"),
    [((0.0, 80.0), 1, 1), ((80.0, 800.0), 1, 1), ((800.0, None), 1, 0), ((0.0, None), 3, 2), ((9.0, 79.0), 0, 0)],
)
def test_lesions_are_counted_by_their_volume_from_the_lower_limit_on(limits, lesions, found):
    options = {"least_mm3": limits[0], "below_mm3": limits[1]}
    assert LesionsBySizeOptions(**options).measure(PAIR) == lesions
    assert FoundBySizeOptions(**options).measure(PAIR) == found
    recall = LesionRecallBySizeOptions(**options).measure(PAIR)
    assert recall == (pytest.approx(found / lesions) if lesions else None)


def test_a_lesion_as_large_as_a_limit_is_above_it_whatever_its_volume_is_rounded_to():
    # 10 voxels of 0.1 mm3 are 1 mm3, but for the last digit.
    pair = pair_masks(np.ones((10, 1, 1), dtype=bool), np.ones((10, 1, 1), dtype=bool), (0.1, 1.0, 1.0))
    assert LesionsBySizeOptions(least_mm3=1.0, below_mm3=None).measure(pair) == 1
    assert LesionsBySizeOptions(below_mm3=1.0).measure(pair) == 0


def test_titles_name_the_range():
    assert LesionRecallBySizeOptions().about.title == "Recall of lesions below 100 mm3"
    assert LesionsBySizeOptions(least_mm3=100.0, below_mm3=1000.0).about.title == "Lesions 100 to 1000 mm3"
    assert LesionsBySizeOptions(least_mm3=1000.0, below_mm3=None).about.title == "Lesions from 1000 mm3"
