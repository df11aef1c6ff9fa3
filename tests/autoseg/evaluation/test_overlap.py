from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from autoseg.evaluation.overlap import Overlap, measure_overlap

MASKS = arrays.arrays(np.bool_, (3, 4, 5))


@given(prediction=MASKS, reference=MASKS)
def test_ratios_agree_with_scikit_learn(prediction, reference):
    overlap = measure_overlap(prediction, reference)
    both_empty = float(not prediction.any() and not reference.any())
    for score, expected in (
        (overlap.dice(), f1_score),
        (overlap.iou(), jaccard_score),
        (overlap.precision(), precision_score),
        (overlap.recall(), recall_score),
    ):
        assert score == pytest.approx(expected(reference.ravel(), prediction.ravel(), zero_division=both_empty))


@given(prediction=MASKS, reference=MASKS)
def test_dice_and_iou_are_symmetric_and_within_bounds(prediction, reference):
    overlap, swapped = measure_overlap(prediction, reference), measure_overlap(reference, prediction)
    assert overlap.dice() == swapped.dice()
    assert overlap.iou() == swapped.iou()
    assert overlap.precision() == swapped.recall()
    for score in (overlap.dice(), overlap.iou(), overlap.precision(), overlap.recall()):
        assert 0.0 <= score <= 1.0


@given(voxels=st.integers(1, 10**9))
def test_ratios_are_zero_when_one_mask_is_empty(voxels):
    for overlap in (
        Overlap(prediction=voxels, reference=0, both=0),
        Overlap(prediction=0, reference=voxels, both=0),
    ):
        assert (overlap.dice(), overlap.iou(), overlap.precision(), overlap.recall()) == (0.0, 0.0, 0.0, 0.0)
