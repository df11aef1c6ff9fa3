from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from autoseg.evaluation import pair_masks
from autoseg.evaluation.metrics.voxels.overlap import DiceOptions, IouOptions, PrecisionOptions, RecallOptions
from tests.autoseg.evaluation.masks import ONE_MM

MASKS = arrays.arrays(np.bool_, (3, 4, 5))


@given(prediction=MASKS, reference=MASKS)
def test_ratios_agree_with_scikit_learn(prediction, reference):
    pair = pair_masks(prediction, reference, ONE_MM)
    both_empty = float(not prediction.any() and not reference.any())
    for metric, expected in (
        (DiceOptions(), f1_score),
        (IouOptions(), jaccard_score),
        (PrecisionOptions(), precision_score),
        (RecallOptions(), recall_score),
    ):
        theirs = expected(reference.ravel(), prediction.ravel(), zero_division=both_empty)
        assert metric.measure(pair) == pytest.approx(theirs)


@given(prediction=MASKS, reference=MASKS)
def test_ratios_are_within_bounds_and_exchange_with_the_masks(prediction, reference):
    pair, swapped = pair_masks(prediction, reference, ONE_MM), pair_masks(reference, prediction, ONE_MM)
    assert DiceOptions().measure(pair) == DiceOptions().measure(swapped)
    assert IouOptions().measure(pair) == IouOptions().measure(swapped)
    assert PrecisionOptions().measure(pair) == RecallOptions().measure(swapped)
    for metric in (DiceOptions(), IouOptions(), PrecisionOptions(), RecallOptions()):
        assert 0.0 <= metric.measure(pair) <= 1.0


@pytest.mark.parametrize("sides", [(True, False), (False, True)])
def test_ratios_are_zero_when_one_mask_is_empty(sides):
    pair = pair_masks(*(np.full((3, 4, 5), side) for side in sides), ONE_MM)
    metrics = (DiceOptions(), IouOptions(), PrecisionOptions(), RecallOptions())
    assert [metric.measure(pair) for metric in metrics] == [0.0] * 4
