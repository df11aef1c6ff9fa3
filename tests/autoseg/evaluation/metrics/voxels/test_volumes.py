from __future__ import annotations

import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis.extra import numpy as arrays

from autoseg.evaluation import METRICS, pair_masks
from tests.autoseg.evaluation.masks import make_box

MASKS = arrays.arrays(np.bool_, (4, 5, 3))
SPACING_MM = (1.0, 0.5, 3.0)
SHAPE = (12, 12, 12)


def measure(name, prediction, reference):
    return METRICS[name]().measure(pair_masks(prediction > 0, reference > 0, SPACING_MM))


def test_errors_and_similarity_of_volumes():
    prediction, reference = make_box(SHAPE, (0, 0, 0), (2, 5, 3)), make_box(SHAPE, (5, 5, 5), (7, 7, 10))
    assert measure("volume_error_ml", prediction, reference) == pytest.approx((30 - 20) * 0.0015)
    assert measure("volume_error_ml", reference, prediction) == pytest.approx((20 - 30) * 0.0015)
    assert measure("relative_volume_difference", prediction, reference) == pytest.approx(0.5)
    assert measure("volume_similarity", prediction, reference) == pytest.approx(1 - 10 / 50)
    assert measure("relative_volume_difference", prediction, np.zeros(SHAPE)) is None


@given(prediction=MASKS, reference=MASKS)
def test_overlaps_agree_with_simpleitk(prediction, reference):
    if not (prediction.any() and reference.any()):
        return
    images = [SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in (prediction, reference)]
    peer = SimpleITK.LabelOverlapMeasuresImageFilter()
    peer.Execute(*images)
    assert measure("dice", prediction, reference) == pytest.approx(peer.GetDiceCoefficient())
    assert measure("iou", prediction, reference) == pytest.approx(peer.GetJaccardCoefficient())
    assert measure("false_negative_rate", prediction, reference) == pytest.approx(peer.GetFalseNegativeError())
    assert measure("false_discovery_rate", prediction, reference) == pytest.approx(peer.GetFalseDiscoveryRate())
    # Theirs is signed, twice ours, and of the first image.
    assert measure("volume_similarity", prediction, reference) == pytest.approx(1 - abs(peer.GetVolumeSimilarity()) / 2)
