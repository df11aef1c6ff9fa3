from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays
from sklearn.metrics import accuracy_score, fowlkes_mallows_score, matthews_corrcoef, recall_score

from autoseg.evaluation import METRICS, pair_masks
from autoseg.evaluation.metrics.voxels.confusion import CONFUSION
from tests.autoseg.evaluation.masks import ONE_MM

MASKS = arrays.arrays(np.bool_, (3, 4, 5))


def make_pair(tp, fp, fn, tn, ignored=0):
    """Return a pair of masks, in one row, with these numbers of voxels."""
    voxels = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0], [0, 0]], [tp, fp, fn, tn, ignored], axis=0) > 0
    predicted, true = (side[:, None, None] for side in voxels.T)
    left_out = np.arange(len(voxels)) >= tp + fp + fn + tn
    return pair_masks(predicted, true, ONE_MM, ignored=left_out[:, None, None])


def measure(name, pair):
    return METRICS[name]().measure(pair)


# By hand, from the formulas, for TP 30, FP 10, FN 20, TN 140.
TPR, TNR, PPV, NPV = 30 / 50, 140 / 150, 30 / 40, 140 / 160
EXPECTED = {
    "prevalence": 50 / 200,
    "accuracy": 170 / 200,
    "balanced_accuracy": (TPR + TNR) / 2,
    "specificity": TNR,
    "negative_predictive_value": NPV,
    "false_discovery_rate": 10 / 40,
    "false_omission_rate": 20 / 160,
    "false_negative_rate": 20 / 50,
    "false_positive_rate": 10 / 150,
    "positive_likelihood_ratio": TPR / (10 / 150),
    "negative_likelihood_ratio": (20 / 50) / TNR,
    "diagnostic_odds_ratio": 30 * 140 / (10 * 20),
    "informedness": TPR + TNR - 1,
    "markedness": PPV + NPV - 1,
    "matthews_correlation": math.sqrt(TPR * TNR * PPV * NPV) - math.sqrt(0.4 * (10 / 150) * (20 / 160) * (10 / 40)),
    "fowlkes_mallows": math.sqrt(PPV * TPR),
    "prevalence_threshold": (math.sqrt(TPR * 10 / 150) - 10 / 150) / (TPR - 10 / 150),
    "true_positives": 30,
    "false_positives": 10,
    "false_negatives": 20,
    "true_negatives": 140,
}


def test_every_measure_of_the_confusion_matrix_has_a_value_by_hand():
    assert EXPECTED.keys() == CONFUSION.keys()


@pytest.mark.parametrize("name", CONFUSION)
def test_measures_have_the_values_of_their_formulas(name):
    assert measure(name, make_pair(30, 10, 20, 140)) == pytest.approx(EXPECTED[name])
    # Ignored voxels are in none of the four counts.
    assert measure(name, make_pair(30, 10, 20, 140, ignored=1000)) == pytest.approx(EXPECTED[name])


def test_f1_and_jaccard_of_the_confusion_matrix_are_dice_and_iou():
    pair = make_pair(30, 10, 20, 140)
    assert measure("dice", pair) == pytest.approx(2 * PPV * TPR / (PPV + TPR))
    assert measure("iou", pair) == pytest.approx(30 / 60)
    assert measure("mean_iou", pair) == pytest.approx((30 / 60 + 140 / 170) / 2)


def test_ratios_of_nothing_have_no_score_but_the_one_that_is_asked_for():
    # Nothing is predicted, and nothing is there.
    pair = make_pair(0, 0, 0, 5)
    assert measure("false_negative_rate", pair) is None
    assert METRICS["false_negative_rate"](undefined=0.0).measure(pair) == 0.0
    assert measure("specificity", pair) == 1.0
    # A perfect prediction has no positive likelihood ratio: nothing to divide by.
    assert measure("positive_likelihood_ratio", make_pair(3, 0, 0, 5)) is None


def test_mean_iou_of_empty_and_of_full_masks():
    assert measure("mean_iou", make_pair(0, 0, 0, 5)) == 1.0
    assert measure("mean_iou", make_pair(5, 0, 0, 0)) == 1.0
    assert measure("mean_iou", make_pair(0, 1, 0, 4)) == pytest.approx((0 + 4 / 5) / 2)


@given(prediction=MASKS, reference=MASKS)
def test_measures_agree_with_scikit_learn(prediction, reference):
    if (prediction & reference).all() or not (prediction | reference).any():
        # Of a single class, scikit-learn only warns.
        prediction = prediction.copy()
        prediction[0, 0, 0] = ~prediction[0, 0, 0]
    pair = pair_masks(prediction, reference, ONE_MM)
    sides = (reference.ravel(), prediction.ravel())
    assert measure("accuracy", pair) == pytest.approx(accuracy_score(*sides))
    found = measure("matthews_correlation", pair)
    assert (0.0 if found is None else found) == pytest.approx(matthews_corrcoef(*sides))
    found = measure("specificity", pair)
    assert (0.0 if found is None else found) == pytest.approx(recall_score(*sides, pos_label=0, zero_division=0))


def test_fowlkes_mallows_is_not_that_of_clusters():
    # scikit-learn's counts pairs of points; with the same name, another measure.
    reference, prediction = np.array([1, 1, 0, 0, 0]), np.array([1, 0, 0, 0, 0])
    pair = pair_masks(prediction[:, None, None] > 0, reference[:, None, None] > 0, ONE_MM)
    assert measure("fowlkes_mallows", pair) == pytest.approx(math.sqrt(1 * 0.5))
    assert fowlkes_mallows_score(reference, prediction) != pytest.approx(math.sqrt(0.5))
