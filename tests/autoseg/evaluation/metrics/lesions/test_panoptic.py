from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation import METRICS, pair_masks
from autoseg.evaluation.metrics.lesions.detection import LesionF1Options
from autoseg.evaluation.metrics.lesions.panoptic import LesionQualityOptions, PanopticQualityOptions
from dataset_fingerprints.errors import PlanError
from planners.choices import Choice, resolve
from tests.autoseg.evaluation.masks import ONE_MM, make_box

SHAPE = (30, 8, 8)
# Lesions of 4, 4 and 4 voxels; found with an IoU of 1, of 2 / 6 = 0.33, and not at all; and one false.
REFERENCE = sum(make_box(SHAPE, (x, 2, 2), (x + 4, 3, 3)) for x in (0, 10, 20)) > 0
PREDICTION = sum(make_box(SHAPE, (x, 2, 2), (x + 4, 3, 3)) for x in (0, 12)) + make_box(SHAPE, (2, 6, 6), (3, 7, 7)) > 0
PAIR = pair_masks(PREDICTION, REFERENCE, ONE_MM)


@pytest.mark.parametrize(
    ("matching", "ious", "quality"),
    [("iou_0.25", [1.0, 1 / 3], (1 + 1 / 3) / (2 + 2 / 2)), ("iou_0.5", [1.0], 1 / (1 + 4 / 2))],
)
def test_quality_is_the_product_of_recognition_and_outlines(matching, ious, quality):
    found = PanopticQualityOptions(matching=matching).measure(PAIR)
    assert found == pytest.approx(quality)
    recognition, outlines = LesionF1Options(matching=matching), LesionQualityOptions(matching=matching)
    assert found == pytest.approx(recognition.measure(PAIR) * outlines.measure(PAIR))
    assert outlines.measure(PAIR) == pytest.approx(np.mean(ious))


def test_without_a_matched_pair_there_is_no_outline_to_judge():
    pair = pair_masks(PREDICTION, np.roll(REFERENCE, 3, 1), ONE_MM)
    assert LesionQualityOptions().measure(pair) is None
    assert LesionQualityOptions(undefined=0.0).measure(pair) == 0.0
    assert PanopticQualityOptions().measure(pair) == 0.0


def test_any_overlap_is_no_matching_of_pairs():
    with pytest.raises(PlanError, match="any_overlap"):
        resolve(Choice(name="panoptic_quality", options={"matching": "any_overlap"}), METRICS, "metric", "test")
