from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoseg.simulate.annotator import (
    AnnotatorOptions,
    annotate,
    apply_unsteadiness,
    measure_depth,
    sample_unsteadiness,
)
from dataset_fingerprints.reading.images import read_label_map
from tests.synthetic.scans import blob, write_nifti

SHAPE = (32, 32, 24)
SPACING = (1.0, 1.0, 1.0)
TRUTH = np.where(blob(SHAPE, (14, 14, 12), 8), 1, 0) + np.where(blob(SHAPE, (25, 25, 12), 4), 2, 0)


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def test_a_person_draws_the_truth_with_an_unsteady_border_and_the_same_way_again() -> None:
    drawn = sample_unsteadiness((1, 2), (0, 5))
    made = apply_unsteadiness(TRUTH, None, SPACING, drawn)
    assert 0.9 < dice(made.labels == 1, TRUTH == 1) < 1
    again = apply_unsteadiness(TRUTH, None, SPACING, sample_unsteadiness((1, 2), (0, 5)))
    assert np.array_equal(made.labels, again.labels)
    assert not np.array_equal(
        made.labels, apply_unsteadiness(TRUTH, None, SPACING, sample_unsteadiness((1, 2), (1, 5))).labels
    )


def test_values_may_be_larger_than_a_byte_holds() -> None:
    truth = 1000 * (TRUTH == 1)
    made = apply_unsteadiness(truth, None, SPACING, sample_unsteadiness((1000,), (0, 5)))
    assert set(np.unique(made.labels)) == {0, 1000}


def test_what_is_right_is_left_alone_and_costs_the_time_to_look() -> None:
    options = AnnotatorOptions(speed_spread=0.0)
    drawn = sample_unsteadiness((1, 2), (0, 5), options)
    made = apply_unsteadiness(TRUTH, TRUTH, SPACING, drawn, AnnotatorOptions(speed_spread=0.0, border_mm=0.0))
    assert np.array_equal(made.labels, TRUTH)
    assert set(made.minutes.values()) == {options.look_minutes}


def test_what_is_missing_is_drawn_and_what_is_wrong_is_taken_out_by_the_volume() -> None:
    options = AnnotatorOptions(speed_spread=0.0, border_mm=0.0, tolerance_mm=0.0)
    before = np.where(TRUTH == 1, 1, 0)
    before[0:4, 0:5, 0:10] = 2
    made = apply_unsteadiness(TRUTH, before, SPACING, sample_unsteadiness((1, 2), (3,), options), options)
    assert np.array_equal(made.labels, TRUTH)
    # More is wrong than is to be drawn: the mask is cleared first.
    drawn_ml = (TRUTH == 2).sum() / 1000
    assert made.minutes[2] == pytest.approx(options.look_minutes + options.minutes_per_ml * drawn_ml)
    assert made.minutes[1] == options.look_minutes


def test_depth_is_counted_from_the_border_between_voxels() -> None:
    mask = np.zeros((9, 3, 3), dtype=bool)
    mask[3:6] = True
    assert measure_depth(mask, (2.0, 5.0, 5.0))[:, 1, 1].tolist() == [-5, -3, -1, 1, 3, 1, -1, -3, -5]
    assert (measure_depth(np.zeros_like(mask), SPACING) < 0).all()


def test_a_label_that_the_truth_does_not_hold_is_cleared_and_takes_the_time_to_look_at_it(tmp_path: Path) -> None:
    options = AnnotatorOptions(speed_spread=0.0)
    for name, labels in (("truth", TRUTH == 1), ("before", TRUTH)):
        write_nifti(tmp_path / f"{name}.nii.gz", labels.astype(np.uint8), np.eye(4))
    out = tmp_path / "corrected.nii.gz"
    minutes = annotate(tmp_path / "before.nii.gz", tmp_path / "truth.nii.gz", out, (1,), options)
    assert set(np.unique(read_label_map(out).voxels)) == {0, 1}
    assert minutes[2] == options.look_minutes
