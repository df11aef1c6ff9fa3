from __future__ import annotations

import numpy as np
import pytest

from autoseg.report.axial import choose_slice, cut_slice, find_window

SHAPE = (20, 24, 10)
ONE_MM = (1.0, 1.0, 1.0)


def labelled(z: int, voxels: int) -> np.ndarray:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[:voxels, 5, z] = 1
    return labels


def test_slice_follows_the_reference_then_the_prediction_then_the_middle():
    nothing = np.zeros(SHAPE, dtype=np.uint8)
    reference = labelled(2, 3) + labelled(7, 5)
    assert choose_slice(reference, labelled(4, 9)) == 7
    assert choose_slice(nothing, labelled(4, 9)) == 4
    assert choose_slice(None, labelled(4, 9)) == 4
    assert choose_slice(nothing, nothing) == choose_slice(None, nothing) == 5


def test_patients_right_is_on_the_viewers_left_and_anterior_at_the_top():
    # In RAS+ the last x is the patient's right and the last y anterior.
    image = np.zeros(SHAPE, dtype=np.float32)
    image[..., :] = np.linspace(1.0, 2.0, SHAPE[0])[:, None, None]
    prediction = np.zeros(SHAPE, dtype=np.uint8)
    prediction[-1, -1, 3] = 1
    plane = cut_slice(image, None, prediction, ONE_MM)
    assert plane.index == 3
    assert plane.prediction[0, 0] == 1
    assert plane.scan[0, 0] == 1.0
    assert plane.scan[0, -1] == 0.0


def test_air_is_cut_away_but_never_a_label():
    image = np.zeros((60, 70, 3), dtype=np.float32)
    image[20:40, 30:50] = np.random.default_rng(0).uniform(1.0, 2.0, (20, 20, 3))
    reference = np.zeros(image.shape, dtype=np.uint8)
    reference[2, 3, 1] = 4
    plane = cut_slice(image, reference, np.zeros_like(reference), (1.0, 2.0, 3.0))
    assert plane.reference is not None
    assert (plane.reference == 4).sum() == 1
    # From the label to the body's end, and 6 mm around it: columns 0 to 45, rows 0 to 52.
    assert plane.scan.shape == (53, 46)
    assert plane.pixel_mm == (2.0, 1.0)


def test_window_is_not_moved_by_the_background_or_a_bright_voxel():
    brain = np.random.default_rng(0).normal(100.0, 10.0, (20, 20, 20))
    image = np.zeros((60, 60, 60))
    image[:20, :20, :20] = brain
    image[0, 0, 0] = 1e6
    low, high = find_window(image)
    # The percentiles of 8,000 normal values, to half a standard deviation.
    assert low == pytest.approx(100 - 2.33 * 10, abs=5)
    assert high == pytest.approx(100 + 2.58 * 10, abs=5)


@pytest.mark.parametrize("value", [0.0, -3.0, np.nan, np.inf])
def test_constant_or_broken_scan_has_a_usable_window(value):
    image = np.full(SHAPE, value, dtype=np.float32)
    low, high = find_window(image)
    assert np.isfinite([low, high]).all()
    assert high > low
    assert np.isfinite(cut_slice(image, None, labelled(2, 3), ONE_MM).scan).all()
