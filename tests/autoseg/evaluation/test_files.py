from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.evaluation import (
    FilePair,
    Pairing,
    Segment,
    Targets,
    Unpaired,
    evaluate_files,
    evaluate_pairs,
    label_targets,
    read_evaluation,
    refuse_failures,
    write_evaluation,
)
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.files.jsonfiles import read_plain_json
from tests.autoseg.evaluation.masks import make_box, write_labels

SHAPE = (10, 11, 12)
BOX = make_box(SHAPE, (1, 2, 3), (7, 8, 9))
HALF = make_box(SHAPE, (1, 2, 3), (4, 8, 9))


@pytest.fixture
def folders(tmp_path):
    """Two folders with the cases a and b: a is right, b half right."""
    for case, labels in (("a", BOX), ("b", HALF)):
        write_labels(tmp_path / "pred" / f"{case}.nii.gz", labels)
        write_labels(tmp_path / "ref" / f"{case}.nii.gz", BOX)
    return tmp_path / "pred", tmp_path / "ref"


def test_two_files_are_scored_whatever_their_names(tmp_path):
    prediction = write_labels(tmp_path / "out.nii", HALF, np.diag([1.0, 2.0, 3.0, 1.0]))
    reference = write_labels(tmp_path / "sub-01.nii.gz", BOX, np.diag([1.0, 2.0, 3.0, 1.0]))
    evaluation = evaluate_files(prediction, reference, label_targets((1,)))
    scores = evaluation.cases[0].labels[0]
    assert (evaluation.cases[0].case, scores.value("dice")) == ("sub-01", pytest.approx(2 / 3))
    assert scores.value("reference_volume_ml") == pytest.approx(6**3 * 6 / 1000)


def test_folders_are_matched_by_name_without_suffix(folders):
    prediction, reference = folders
    (prediction / "a.nii.gz").unlink()
    write_labels(prediction / "a.nii", BOX)
    (prediction / "notes.txt").write_text("not an image")
    evaluation = evaluate_files(prediction, reference)
    assert [case.case for case in evaluation.cases] == ["a", "b"]
    assert evaluation.foreground_mean_dice == pytest.approx((1 + 2 / 3) / 2)


def test_names_match_whatever_case_their_suffix_has_and_what_is_left_out_is_said(folders, caplog):
    prediction, reference = folders
    (prediction / "a.nii.gz").rename(prediction / "a.NII.GZ")
    for name in ("metrics.json", "notes.txt", "b.json", ".hidden"):
        (prediction / name).write_text("no mask")
    (prediction / "folder").mkdir()
    assert [case.case for case in evaluate_files(prediction, reference).cases] == ["a", "b"]
    assert caplog.messages == [f"{prediction}: Left out: notes.txt"]


def test_orientation_of_the_files_may_differ(tmp_path):
    reference = write_labels(tmp_path / "ref.nii.gz", BOX)
    flipped = np.diag([-1.0, 1.0, 1.0, 1.0])
    flipped[0, 3] = SHAPE[0] - 1
    prediction = write_labels(tmp_path / "pred.nii.gz", BOX[::-1], flipped)
    assert evaluate_files(prediction, reference, label_targets((1,))).foreground_mean_dice == 1.0


def test_labels_found_in_any_reference_are_scored_in_every_case(folders):
    prediction, reference = folders
    write_labels(reference / "b.nii.gz", np.where(HALF > 0, 4, 0).astype(np.uint8))
    write_labels(prediction / "b.nii.gz", HALF)
    evaluation = evaluate_files(prediction, reference)
    first, second = evaluation.cases
    assert [scores.label for scores in first.labels] == [scores.label for scores in second.labels] == [1, 4]
    assert [scores.value("dice") for scores in first.labels] == [1.0, 1.0]
    assert [scores.value("dice") for scores in second.labels] == [0.0, 0.0]


def test_a_label_of_masks_that_no_reference_holds_is_named_and_not_scored(folders, caplog):
    prediction, reference = folders
    write_labels(prediction / "b.nii.gz", np.where(HALF > 0, 7, 0).astype(np.uint8))
    evaluation = evaluate_files(prediction, reference)
    assert [label.label for label in evaluation.summary] == [1]
    assert evaluation.foreground_mean_dice == 0.5
    assert "label 7 is in 1 mask and in no reference: it is not scored. --label 7 scores it" in caplog.text
    assert "--region" not in caplog.text
    named = evaluate_files(prediction, reference, label_targets((1, 7)))
    assert [scores.value("dice") for scores in named.cases[1].labels] == [0.0, 0.0]


def test_masks_of_another_value_than_the_references_are_told_how_to_be_scored(folders, caplog):
    prediction, reference = folders
    for name in ("a", "b"):
        write_labels(prediction / f"{name}.nii.gz", np.where(BOX > 0, 255, 0).astype(np.uint8))
    assert evaluate_files(prediction, reference).foreground_mean_dice == 0
    assert "`--region lesion=1,255` scores them as one" in caplog.text
    region = Targets(segments=(Segment(label="lesion", values=(1, 255)),))
    assert evaluate_files(prediction, reference, region).foreground_mean_dice == 1


def test_masks_are_scored_where_no_reference_holds_a_label(folders):
    prediction, reference = folders
    for name in ("a", "b"):
        write_labels(reference / f"{name}.nii.gz", 0 * BOX)
    assert [label.label for label in evaluate_files(prediction, reference).summary] == [1]


def test_float_files_are_rounded_within_a_thousandth(tmp_path):
    reference = write_labels(tmp_path / "ref.nii.gz", BOX)
    prediction = write_labels(tmp_path / "pred.nii.gz", BOX.astype(np.float32) * np.float32(0.9999))
    assert evaluate_files(prediction, reference).foreground_mean_dice == 1.0


@pytest.mark.parametrize("value", [0.4, np.nan, np.inf])
def test_values_that_are_not_integers_are_refused(tmp_path, value):
    reference = write_labels(tmp_path / "ref.nii.gz", BOX)
    labels = BOX.astype(np.float32)
    labels[0, 0, :2] = value
    prediction = write_labels(tmp_path / "pred.nii.gz", labels)
    with pytest.raises(DataError, match=rf"pred\.nii\.gz: holds 2 voxels that are not integers, for example {value:g}"):
        evaluate_files(prediction, reference)


def test_missing_and_extra_cases_are_listed_and_refused_where_that_is_asked_for(folders, tmp_path):
    prediction, reference = folders
    for case in ("c", "d"):
        write_labels(reference / f"{case}.nii.gz", BOX)
    write_labels(prediction / "x.nii.gz", BOX)
    evaluation = evaluate_files(prediction, reference)
    assert [case.case for case in evaluation.cases] == ["a", "b"]
    assert evaluation.unpaired == Unpaired(without_prediction=("c", "d"), without_reference=("x",))
    assert evaluation.unpaired.describe() == (
        "2 cases have no masks and are not scored: c, d. 1 mask has no reference and is not scored: x."
    )
    write_evaluation(tmp_path / "metrics.json", evaluation)
    assert read_plain_json(tmp_path / "metrics.json")["unpaired"] == {
        "without_prediction": ["c", "d"],
        "without_reference": ["x"],
    }
    assert read_evaluation(tmp_path / "metrics.json") == evaluation
    with pytest.raises(DataError) as caught:
        evaluate_files(prediction, reference, strict=True)
    assert f"{prediction}: has no prediction for cases c, d of {reference}." in str(caught.value)
    assert f"{reference}: has no reference for case x of {prediction}." in str(caught.value)


def test_every_case_on_another_grid_is_named(folders):
    prediction, reference = folders
    write_labels(prediction / "a.nii.gz", BOX[:-1])
    write_labels(prediction / "b.nii.gz", BOX, np.diag([1.0, 1.0, 1.5, 1.0]))
    with pytest.raises(DataError) as caught:
        evaluate_files(prediction, reference)
    message = str(caught.value)
    assert "2 of 2 cases cannot be scored." in message
    assert "case a: the prediction is 9x11x12 voxels but the reference is 10x11x12." in message
    # Half a millimetre more per slice, eleven slices up.
    assert "case b: prediction and reference lie 5.5 mm apart in space" in message
    assert "at most 0.1 mm" in message


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            SHAPE,
            "prediction and reference have 10x11x12 voxels, but their headers turn these differently: the axes",
        ),
        ((12, 12, 12), "apart in space though their shapes agree (their axes run RAS and "),
    ],
)
def test_equal_shapes_in_other_directions_are_told_by_the_directions(tmp_path, shape, message):
    box = make_box(shape, (1, 2, 3), (7, 8, 9))
    turned = np.array([[0, 0, 2.0, 0], [-2.0, 0, 0, 0], [0, -2.0, 0, 0], [0, 0, 0, 1]])
    prediction = write_labels(tmp_path / "pred.nii.gz", box, np.eye(4))
    reference = write_labels(tmp_path / "ref.nii.gz", box, turned)
    with pytest.raises(DataError) as caught:
        evaluate_files(prediction, reference)
    assert message in str(caught.value)
    assert "Expected" in str(caught.value) or "affine of the other" in str(caught.value)


def test_masks_whose_axes_are_far_from_right_angles_are_named_because_of_their_volumes(tmp_path, caplog):
    tilted, slightly = np.diag([1.0, 1.0, 5.0, 1.0]), np.diag([1.0, 1.0, 5.0, 1.0])
    # A gantry tilted by 15 degrees, and one by 3: volumes are 3.5 % and 0.1 % too large.
    tilted[1, 2], slightly[1, 2] = 5 * np.tan(np.deg2rad(15)), 5 * np.tan(np.deg2rad(3))
    for name, affine in (("tilted", tilted), ("slightly", slightly)):
        path = write_labels(tmp_path / f"{name}.nii.gz", BOX, affine)
        assert evaluate_files(path, path).foreground_mean_dice == 1.0
    assert len(caplog.messages) == 1
    assert "tilted.nii.gz: the axes of its header are off right angles by 15 degrees" in caplog.text


def test_rounding_of_the_header_is_not_a_difference(tmp_path):
    affine = np.diag([0.9375, 0.9375, 1.2, 1.0])
    reference = write_labels(tmp_path / "ref.nii.gz", BOX, affine)
    prediction = write_labels(tmp_path / "pred.nii.gz", BOX, affine + 1e-4 * np.eye(4, k=3))
    assert evaluate_files(prediction, reference).foreground_mean_dice == 1.0


def test_paths_that_cannot_be_matched_are_refused(folders, tmp_path):
    prediction, reference = folders
    empty = tmp_path / "empty"
    empty.mkdir()
    for pair, message in (
        ((prediction, reference / "a.nii.gz"), "is a folder but .*a.nii.gz is a file"),
        ((prediction / "a.nii.gz", reference), "ref: is a folder but .*a.nii.gz is a file"),
        ((tmp_path / "nowhere", reference), "nowhere: does not exist"),
        ((empty, reference), "empty: holds no image file"),
    ):
        with pytest.raises(DataError, match=message):
            evaluate_files(*pair)


def test_two_files_of_one_case_are_refused(folders):
    prediction, reference = folders
    write_labels(prediction / "a.nii", BOX)
    with pytest.raises(DataError, match=r"holds a\.nii and a\.nii\.gz"):
        evaluate_files(prediction, reference)


def test_files_without_any_label_need_the_labels_named(tmp_path):
    empty = write_labels(tmp_path / "empty.nii.gz", np.zeros(SHAPE, dtype=np.uint8))
    with pytest.raises(DataError, match="no voxel of any file is labelled"):
        evaluate_files(empty, empty)
    assert evaluate_files(empty, empty, label_targets((1,))).foreground_mean_dice == 1.0


def test_a_named_label_in_no_file_is_said(folders, caplog):
    evaluate_files(*folders, label_targets((1, 9)))
    assert [record.getMessage() for record in caplog.records] == [
        "label 9 is in none of the 2 predictions and references: its scores say nothing"
    ]


# What is wrong with one of two masks -> how it is made, and what is said of it.
UNSCORABLE = {
    "damaged": (lambda path: path.write_bytes(path.read_bytes()[:-40]), r"b\.nii\.gz"),
    "empty": (lambda path: path.write_bytes(b""), r"b\.nii\.gz"),
    "of another shape": (lambda path: write_labels(path, BOX[:-1]), "the prediction is 9x11x12 voxels"),
    "of probabilities": (lambda path: write_labels(path, HALF * np.float32(0.3)), "not integers"),
}


@pytest.mark.parametrize("kind", UNSCORABLE)
def test_a_case_that_cannot_be_scored_is_listed_and_the_others_are_scored(folders, kind):
    prediction, reference = folders
    spoil, message = UNSCORABLE[kind]
    spoil(prediction / "b.nii.gz")
    evaluation = evaluate_files(prediction, reference)
    assert [case.case for case in evaluation.cases] == ["a"]
    assert evaluation.summary[0].statistics("dice").n == 1
    (failure,) = evaluation.failures
    assert failure.case == "b"
    assert re.search(message, failure.message)
    with pytest.raises(
        PartlyDoneError, match=r"1 of 2 cases cannot be scored, and all figures are of the other 1:"
    ) as caught:
        refuse_failures(evaluation)
    assert failure.describe() in str(caught.value)
    assert caught.value.result is evaluation


def test_failures_are_in_the_result_file_which_is_else_what_it_was(folders, tmp_path):
    prediction, reference = folders
    write_evaluation(tmp_path / "all.json", evaluate_files(prediction, reference))
    assert "failures" not in (tmp_path / "all.json").read_text(encoding="utf-8")
    (prediction / "b.nii.gz").write_bytes(b"nothing")
    evaluation = evaluate_files(prediction, reference)
    write_evaluation(tmp_path / "some.json", evaluation)
    assert read_evaluation(tmp_path / "some.json") == evaluation
    (failure,) = read_plain_json(tmp_path / "some.json")["failures"]
    assert failure["case"] == "b"


def test_evaluation_runs_without_torch():
    code = "import sys, autoseg.evaluation; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_regions_and_an_ignored_value_are_scored_from_files(tmp_path):
    labels = BOX.copy()
    labels[labels.nonzero()[0][0]] *= 2
    ignoring = np.where(labels == 2, 9, labels)
    prediction = write_labels(tmp_path / "out.nii", labels)
    reference = write_labels(tmp_path / "reference.nii.gz", ignoring)
    assert [
        score.label for score in evaluate_files(prediction, reference, Targets(segments=(), ignored=9)).cases[0].labels
    ] == [1, 2]
    core = Segment(label="core", values=(1, 2))
    scores = evaluate_files(prediction, reference, Targets(segments=(core,), ignored=9)).cases[0].labels[0]
    assert (scores.label, scores.value("dice")) == ("core", 1.0)
    assert evaluate_files(prediction, reference, Targets(segments=(core,))).cases[0].labels[0].value("dice") < 1.0


def test_an_image_in_place_of_a_label_map_is_refused_before_its_values_are_scored(tmp_path):
    image = np.arange(np.prod(SHAPE) * 20, dtype=np.int32).reshape(SHAPE[0], SHAPE[1], -1)
    path = write_labels(tmp_path / "scan.nii.gz", image)
    with pytest.raises(DataError, match=r"hold 26399 different values.*at most 2000.*--label"):
        evaluate_files(path, path)
    assert evaluate_files(path, path, label_targets((7,))).foreground_mean_dice == 1


@pytest.mark.parametrize("value", [3_000_000_000, -3_000_000_000, 2**53 + 1])
def test_values_that_do_not_fit_into_a_label_map_are_refused_and_not_wrapped(tmp_path, value):
    path = write_labels(tmp_path / "a.nii.gz", BOX.astype(np.int64) * value)
    with pytest.raises(DataError, match=r"a\.nii\.gz: holds values from"):
        evaluate_files(path, path)


@pytest.mark.parametrize(("unit", "per_mm"), [("micron", 1000.0), ("meter", 0.001), ("mm", 1.0)])
def test_volumes_are_measured_in_the_units_of_the_files(tmp_path, unit, per_mm):
    image = nibabel.Nifti1Image(BOX.astype(np.uint8), np.diag([2 * per_mm] * 3 + [1]))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a.nii.gz")
    scores = evaluate_files(tmp_path / "a.nii.gz", tmp_path / "a.nii.gz").cases[0].labels[0]
    # Headers are float32.
    assert scores.value("reference_volume_ml") == pytest.approx(6**3 * 8 / 1000, rel=1e-5)


@pytest.mark.parametrize(
    ("targets", "scored"),
    [
        # Of the three labels that the data set names, all; without the one that is ignored; those that are named.
        (Targets(segments=()), {1: 1.0, 2: 1.0, 3: 0.0}),
        (Targets(segments=(), ignored=3), {1: 2 / 3, 2: 1.0}),
        (label_targets((1,)), {1: 1.0}),
        # Of the voxels that the data set ignores, the prediction holds some.
        (Targets(segments=(Segment(label="unsure", values=(9,)),)), {"unsure": 0.0}),
        (Targets(segments=label_targets((1,)).segments, ignored=3), {1: 2 / 3}),
    ],
)
def test_voxels_that_the_data_set_ignores_count_in_nothing_unless_others_are_to_be_ignored(tmp_path, targets, scored):
    labels = HALF + make_box(SHAPE, (8, 2, 3), (9, 8, 9), 2) + make_box(SHAPE, (9, 2, 3), (10, 8, 9), 3)
    reference = labels + make_box(SHAPE, (4, 2, 3), (7, 8, 9), 9)
    prediction = np.where(labels == 3, 0, labels) + make_box(SHAPE, (4, 2, 3), (7, 8, 9), 1)
    pair = FilePair(
        case="a",
        prediction=write_labels(tmp_path / "mask.nii.gz", prediction.astype(np.uint8)),
        reference=write_labels(tmp_path / "reference.nii.gz", reference.astype(np.uint8)),
    )
    names = tuple(Label(name=f"label {value}", value=value) for value in (1, 2, 3))
    pairing = Pairing(reference=tmp_path, pairs=(pair,), scheme=LabelScheme(labels=names, ignore_value=9))
    evaluation = evaluate_pairs(pairing, targets)
    assert {one.label: one.statistics("dice").mean for one in evaluation.summary} == pytest.approx(scored)
