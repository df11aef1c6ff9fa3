from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation import pair_masks
from autoseg.evaluation.metrics.lesions.detection import (
    FalseLesionsOptions,
    FoundLesionsOptions,
    LesionF1Options,
    LesionPrecisionOptions,
    LesionRecallOptions,
)
from tests.autoseg.evaluation.masks import ONE_MM, make_box, make_points

SHAPE = (12, 12, 12)
NOTHING = np.zeros(SHAPE, dtype=bool)


def pair_of(prediction, reference):
    return pair_masks(prediction > 0, reference > 0, ONE_MM)


def test_a_lesion_that_bridges_two_and_two_inside_one_are_right():
    bridge, ends = make_box(SHAPE, (1, 5, 5), (10, 6, 6)), make_points(SHAPE, (1, 5, 5), (9, 5, 5))
    for pair in (pair_of(bridge, ends), pair_of(ends, bridge)):
        assert LesionF1Options().measure(pair) == 1.0
        assert LesionPrecisionOptions().measure(pair) == LesionRecallOptions().measure(pair) == 1.0
        assert FalseLesionsOptions().measure(pair) == 0


def test_f1_counts_missed_and_false_lesions_half():
    reference = make_points(SHAPE, (1, 1, 1), (5, 5, 5))
    pair = pair_of(make_points(SHAPE, (1, 1, 1), (9, 9, 9), (9, 1, 9)), reference)
    assert LesionF1Options().measure(pair) == pytest.approx(1 / (1 + (2 + 1) / 2))
    assert LesionRecallOptions().measure(pair) == pytest.approx(1 / 2)
    assert LesionPrecisionOptions().measure(pair) == pytest.approx(1 / 3)
    assert (FoundLesionsOptions().measure(pair), FalseLesionsOptions().measure(pair)) == (1, 2)


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    generator = np.random.default_rng(0)
    for _ in range(20):
        # Enough noise that some lesions are found.
        pair = pair_of(generator.random(SHAPE) < 0.1, generator.random(SHAPE) < 0.1)
        precision, recall = LesionPrecisionOptions().measure(pair), LesionRecallOptions().measure(pair)
        harmonic = 2 * precision * recall / (precision + recall)
        assert LesionF1Options().measure(pair) == pytest.approx(harmonic)


def test_f1_is_one_without_lesions_and_zero_when_one_side_is_empty():
    lesion = make_points(SHAPE, (1, 1, 1))
    for metric in (LesionF1Options(), LesionPrecisionOptions(), LesionRecallOptions()):
        assert metric.measure(pair_of(NOTHING, NOTHING)) == 1.0
        assert metric.measure(pair_of(lesion, NOTHING)) == 0.0
        assert metric.measure(pair_of(NOTHING, lesion)) == 0.0


def test_connectivity_decides_what_is_found():
    # Two voxels that touch by a corner, one of them found.
    reference, prediction = make_points(SHAPE, (1, 1, 1), (2, 2, 2)), make_points(SHAPE, (1, 1, 1))
    assert LesionRecallOptions(connectivity=26).measure(pair_of(prediction, reference)) == 1.0
    assert LesionRecallOptions(connectivity=6).measure(pair_of(prediction, reference)) == 0.5
