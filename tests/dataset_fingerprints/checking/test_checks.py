from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dataset_fingerprints.checking.checks import check_grids, check_labels, check_voxels, refuse_errors
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import make_grid
from tests.synthetic.scans import affine_of

SCHEME = LabelScheme(labels=(Label(name="lesion", value=1), Label(name="other", value=255)))


def kinds(findings):
    return [(finding.grade, finding.kind) for finding in findings]


@pytest.mark.parametrize("stored", [0.9999, 254.99999, 1.0004])
def test_a_label_that_is_almost_an_integer_is_fixed_and_reported(stored):
    labels = np.zeros((3, 3, 3))
    labels[1, 1, 1] = stored
    indices, findings = check_labels("a", labels, SCHEME)
    assert indices.max() == SCHEME.values().index(round(stored)) + 1
    assert kinds(findings) == [("fixed", "fractional-label")]


@pytest.mark.parametrize("value", [0.4, np.nan, np.inf, -np.inf])
def test_values_that_are_no_integers_are_an_error(value):
    _, findings = check_labels("a", np.full((3, 3, 3), value), SCHEME)
    assert kinds(findings) == [("error", "fractional-label")]


def test_an_unexpected_label_is_named():
    _, findings = check_labels("a", np.full((3, 3, 3), 7, np.uint8), SCHEME)
    assert kinds(findings) == [("error", "unexpected-label")]
    assert "[7]" in findings[0].message


def test_one_other_value_may_stand_for_the_one_label():
    one = LabelScheme(labels=(Label(name="lesion", value=1),))
    _, findings = check_labels("a", np.full((3, 3, 3), 255, np.uint8), one)
    assert "If 255 stands for the same as 1, write 1 in its place" in findings[0].message


def test_an_empty_label_map_is_a_warning():
    _, findings = check_labels("a", np.zeros((3, 3, 3), np.uint8), SCHEME)
    assert kinds(findings) == [("warning", "empty-label")]


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "not-finite"), (np.inf, "not-finite"), (0.0, "constant")])
def test_voxels_that_cannot_be_trained_on_are_errors(value, kind):
    voxels = np.zeros((1, 3, 3, 3), np.float32)
    voxels[0, 0, 0, 0] = value
    assert kinds(check_voxels("a", voxels, ("T1w",))) == [("error", kind)]


@pytest.mark.parametrize(("shift_mm", "expected"), [(0.05, []), (0.5, ["warning"]), (3.0, ["error"])])
def test_a_label_map_beside_its_scan_is_reported_or_refused_by_distance(shift_mm, expected):
    moved = affine_of()
    moved[1, 3] += shift_mm
    findings = check_grids("a", make_grid((4, 5, 6), affine_of()), make_grid((4, 5, 6), moved))
    assert [finding.grade for finding in findings] == expected


def test_a_label_map_stored_in_another_orientation_on_the_same_grid_is_sound():
    scan = make_grid((4, 5, 6), affine_of())
    flipped = affine_of(flips=(-1, 1, 1))
    flipped[0, 3] = affine_of()[0, 3] + 3
    assert check_grids("a", scan, make_grid((4, 5, 6), flipped)) == ()


# stored shape -> what is said of a label map without orientation beside a sagittal scan
TURNED = {
    (24, 28, 20): "label map and scan have 24x28x20 voxels, but their headers turn these differently: the axes run RAS "
    "and PIR. Correct the wrong header, for example by storing the label map with the scan's affine.",
    (
        24,
        24,
        24,
    ): "apart in space though their shapes agree: their axes run RAS and PIR. Correct the wrong header",
}


@pytest.mark.parametrize("shape", TURNED)
def test_equal_shapes_in_other_directions_are_told_by_the_directions(shape):
    affine = np.array([[0, 0, 2.0, 0], [-2.0, 0, 0, 0], [0, -2.0, 0, 0], [0, 0, 0, 1]])
    (finding,) = check_grids("a", make_grid(shape, affine), make_grid(shape, np.eye(4)))
    assert finding.grade == "error"
    assert TURNED[shape] in finding.message


def test_other_shapes_are_told_as_they_are_stored():
    affine = np.array([[0, 0, 2.0, 0], [-2.0, 0, 0, 0], [0, -2.0, 0, 0], [0, 0, 0, 1]])
    (finding,) = check_grids("a", make_grid((24, 28, 20), affine), make_grid((24, 28, 21), affine))
    assert "the label map is 24x28x21 voxels but the scan is 24x28x20." in finding.message


def test_all_errors_are_reported_together():
    findings = (*check_voxels("a", np.zeros((1, 2, 2, 2), np.float32), ("T1w",)),)
    more = check_voxels("b", np.full((1, 2, 2, 2), np.nan, np.float32), ("T1w",))
    with pytest.raises(DataError, match=r"(?s)2 errors.*case a.*case b"):
        refuse_errors("root", (*findings, *more))


def test_a_label_map_of_ignored_voxels_is_reported_with_their_share():
    labels = np.zeros((2, 2, 2), np.uint8)
    labels[0] = 9
    indices, findings = check_labels("a", labels, replace(SCHEME, ignore_value=9))
    assert sorted(np.unique(indices)) == [0, 3]
    assert kinds(findings) == [("warning", "empty-label")]
    assert "50% of ignored voxels" in findings[0].message
