from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

from autoseg.evaluation import METRICS, pair_masks
from autoseg.evaluation.metrics.probabilities.curves import trace
from tests.autoseg.evaluation.masks import ONE_MM, make_box

SHAPE = (3, 4, 5)
# Few values, so that many voxels share one.
MAPS = arrays.arrays(np.float32, SHAPE, elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))


def measure(name, values, reference, **options):
    nothing = np.zeros(reference.shape, dtype=bool)
    return METRICS[name](**options).measure(pair_masks(nothing, reference, ONE_MM, probabilities=values))


@given(values=MAPS, reference=arrays.arrays(np.bool_, SHAPE))
def test_areas_agree_with_scikit_learn(values, reference):
    if reference.all() or not reference.any():
        assert measure("roc_auc", values, reference) is None
        return
    flat = (reference.ravel(), values.ravel())
    assert measure("roc_auc", values, reference) == pytest.approx(roc_auc_score(*flat))
    assert measure("average_precision", values, reference) == pytest.approx(average_precision_score(*flat))
    precision, recall, _ = precision_recall_curve(*flat)
    assert measure("pr_auc", values, reference) == pytest.approx(auc(recall, precision))


@given(values=MAPS, reference=arrays.arrays(np.bool_, SHAPE))
def test_the_maximal_dice_is_that_of_the_best_threshold(values, reference):
    if not reference.any():
        assert measure("maximal_dice", values, reference) is None
        return
    dice = [2 * (reference & (values >= cut)).sum() / (reference.sum() + (values >= cut).sum()) for cut in values.flat]
    assert measure("maximal_dice", values, reference) == pytest.approx(max(dice))


def test_a_map_that_is_turned_around_is_below_a_half():
    reference = make_box(SHAPE, (0, 0, 0), (2, 2, 2)) > 0
    assert measure("roc_auc", reference.astype(np.float32), reference) == 1.0
    assert measure("roc_auc", (~reference).astype(np.float32), reference) == 0.0
    assert measure("roc_auc", np.full(SHAPE, 0.3, dtype=np.float32), reference) == 0.5


def test_ignored_voxels_are_in_no_curve():
    reference = make_box(SHAPE, (0, 0, 0), (2, 2, 2)) > 0
    values = reference.astype(np.float32)
    ignored = np.zeros(SHAPE, dtype=bool)
    ignored[2, 3, 4] = True
    values[ignored] = 1.0
    nothing = np.zeros(SHAPE, dtype=bool)
    pair = pair_masks(nothing, reference, ONE_MM, ignored=ignored, probabilities=values)
    assert METRICS["roc_auc"]().measure(pair) == METRICS["maximal_dice"]().measure(pair) == 1.0


def test_scores_of_one_class_are_options():
    nothing, values = np.zeros(SHAPE, dtype=bool), np.linspace(0, 1, 60, dtype=np.float32).reshape(SHAPE)
    assert measure("roc_auc", values, nothing, one_class=0.5) == 0.5
    assert measure("average_precision", values, nothing, no_positives=1.0) == 1.0
    assert measure("maximal_dice", values, nothing, no_positives=0.0) == 0.0
    assert measure("pr_auc", values, nothing, varied=0.25) == 0.25


def test_counts_are_traced_from_the_highest_value_down():
    curve = trace(np.array([0.0, 0.5, 0.5, 1.0], dtype=np.float32), np.array([False, True, False, True]))
    assert curve.found.tolist() == [1, 2, 2]
    assert curve.false.tolist() == [0, 1, 2]
