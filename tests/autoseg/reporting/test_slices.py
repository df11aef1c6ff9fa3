from __future__ import annotations

import numpy as np
import pytest

from autoseg.reporting.slices import choose_view, cut_slice, find_window, is_picture
from dataset_fingerprints.geometry import make_grid

SHAPE = (20, 24, 10)
ONE_MM = (1.0, 1.0, 1.0)


def labelled(z: int, voxels: int) -> np.ndarray:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[:voxels, 5, z] = 1
    return labels


def test_slice_follows_the_reference_then_the_prediction_then_the_middle():
    nothing = np.zeros(SHAPE, dtype=np.uint8)
    reference = labelled(2, 3) + labelled(7, 5)
    for first, second, index in (
        (reference, labelled(4, 9), 7),
        (nothing, labelled(4, 9), 4),
        (None, labelled(4, 9), 4),
        (nothing, nothing, 5),
        (None, nothing, 5),
    ):
        view = choose_view(first, second, ONE_MM)
        assert (view.through, view.index) == (2, index)


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "through", "edges"),
    [
        ((20, 24, 10), (1.0, 1.0, 5.0), 2, ("R", "L")),
        ((20, 24, 10), (5.0, 1.0, 1.0), 0, ("A", "P")),
        ((20, 24, 10), (1.0, 5.0, 1.0), 1, ("R", "L")),
        ((20, 24, 10), (2.0, 1.0, 1.0), 2, ("R", "L")),
        ((1, 24, 10), (1.0, 1.0, 1.0), 0, ("A", "P")),
        ((20, 1, 10), (1.0, 1.0, 1.0), 1, ("R", "L")),
        ((20, 24, 1), (1.0, 9.0, 1.0), 2, ("R", "L")),
    ],
)
def test_slices_are_axial_but_thick_and_single_ones_as_they_were_acquired(shape, spacing_mm, through, edges):
    labels = np.zeros(shape, dtype=np.uint8)
    labels[0, 0, 0] = 3
    view = choose_view(None, labels, spacing_mm)
    assert (view.through, view.index, view.edges()) == (through, 0, edges)
    plane = cut_slice(np.ones(shape, np.float32), None, labels, spacing_mm)
    assert plane.prediction[-1, -1] == 3


def test_a_picture_is_drawn_as_it_is_stored():
    image = np.zeros((5, 3, 1), dtype=np.float32)
    image[1, 2] = 7
    plane = cut_slice(image, None, (image > 0).astype(np.uint8), ONE_MM, plain=True)
    assert plane.scan.shape == (3, 5)
    assert plane.prediction[2, 1] == 1
    assert (plane.place, plane.edges) == ("", ("", ""))
    assert is_picture(make_grid((5, 3, 1), np.eye(4)))
    assert not is_picture(make_grid((5, 3, 2), np.eye(4)))
    assert not is_picture(make_grid((5, 3, 1), np.diag([2.0, 2.0, 2.0, 1.0])))


def test_a_large_slice_is_kept_small_and_keeps_a_label_of_a_single_voxel():
    image = np.random.default_rng(0).uniform(1, 2, (1500, 1101, 1)).astype(np.float32)
    labels = np.zeros(image.shape, dtype=np.uint8)
    labels[700, 500, 0] = 2
    plane = cut_slice(image, None, labels, ONE_MM)
    assert max(plane.scan.shape) <= 512
    assert plane.scan.dtype == np.uint8
    assert plane.prediction.shape == plane.scan.shape
    assert (plane.prediction == 2).sum() == 1
    assert plane.pixel_mm == (3.0, 3.0)


def test_patients_right_is_on_the_viewers_left_and_anterior_at_the_top():
    # In RAS+ the last x is the patient's right and the last y anterior.
    image = np.zeros(SHAPE, dtype=np.float32)
    image[..., :] = np.linspace(1.0, 2.0, SHAPE[0])[:, None, None]
    prediction = np.zeros(SHAPE, dtype=np.uint8)
    prediction[-1, -1, 3] = 1
    plane = cut_slice(image, None, prediction, ONE_MM)
    assert plane.place == "axial, z = 3"
    assert plane.prediction[0, 0] == 1
    assert plane.scan[0, 0] == 255
    assert plane.scan[0, -1] == 0


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
