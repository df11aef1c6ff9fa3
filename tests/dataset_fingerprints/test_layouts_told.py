"""One line says what was found; DICOM series are scans in every layout that looks into folders."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import read_dataset, read_paired, tell_layout
from dataset_fingerprints.reading.images import read_image
from tests.synthetic.dicom import write_series
from tests.synthetic.passes import pass_over
from tests.synthetic.scans import affine_of, head, write_csv, write_nifti, write_nnunet_dataset, write_pairs

LABELS = {"background": 0, "dark": 1, "bright": 2}
LPS = affine_of(flips=(-1, -1, 1))


def write_series_dataset(images, labels, name, cases=2):
    """Write scans as folders of slices called by `name` and label maps as NIfTI."""
    for index in range(cases):
        scan, mask = head(index)
        write_series(images / name.format(index), np.rint(scan).astype(np.int16), LPS, f"1.2.3.{index + 1}")
        write_nifti(labels / f"case.{index}.nii.gz", mask, LPS)


def test_a_pair_is_told_by_its_first_case(tmp_path):
    write_pairs(tmp_path / "Brain", tmp_path / "Lesion", 3, "_T1w")
    expected = "paired folders: Brain/sub-000_T1w.nii.gz with Lesion/sub-000.nii.gz, 3 cases, 1 channel"
    assert tell_layout(read_dataset(tmp_path)) == expected


def test_an_nnunet_folder_is_told_with_its_channels_and_with_what_was_left_out(tmp_path):
    write_nnunet_dataset(tmp_path, 1, channels=("T1w", "FLAIR"))
    for name in ("notes.txt", "preview.png", "sub-000_0000.json", ".hidden", "old"):
        (tmp_path / "imagesTr" / name).write_text("")
    (tmp_path / "labelsTr" / "readme").write_text("")
    assert tell_layout(read_dataset(tmp_path)) == (
        "nnU-Net raw folder: imagesTr/sub-000_0000.nii.gz and imagesTr/sub-000_0001.nii.gz with "
        "labelsTr/sub-000.nii.gz, 1 case, 2 channels (T1w, FLAIR). "
        "Left out: imagesTr/notes.txt, imagesTr/old, imagesTr/preview.png and 1 more"
    )


def test_scans_that_a_decathlon_folder_does_not_list_are_told_as_left_out(tmp_path):
    write_pairs(tmp_path / "imagesTr", tmp_path / "labelsTr", 3)
    training = [{"image": f"imagesTr/sub-00{i}.nii.gz", "label": f"labelsTr/sub-00{i}.nii.gz"} for i in range(2)]
    description = {"modality": {"0": "MRI"}, "labels": {"1": "dark", "2": "bright"}, "training": training}
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    told = tell_layout(read_dataset(tmp_path))
    assert told.startswith("Decathlon folder: imagesTr/sub-000.nii.gz with labelsTr/sub-000.nii.gz, 2 cases, 1 channel")
    assert told.endswith("(MRI). Left out: imagesTr/sub-002.nii.gz, labelsTr/sub-002.nii.gz")


def test_a_csv_is_told_without_the_files_beside_those_it_lists(tmp_path):
    write_pairs(tmp_path / "scans", tmp_path / "masks", 2)
    row = {"image": "scans/sub-001.nii.gz", "label": "masks/sub-001.nii.gz"}
    told = tell_layout(read_dataset(write_csv(tmp_path / "cases.csv", [row])))
    assert told == "CSV of paths: scans/sub-001.nii.gz with masks/sub-001.nii.gz, 1 case, 1 channel"


def test_series_are_scans_of_an_nnunet_folder(tmp_path):
    write_series_dataset(tmp_path / "imagesTr", tmp_path / "labelsTr", "case.{}_0000")
    description = {"channel_names": {"0": "T1w"}, "labels": LABELS, "file_ending": ".nii.gz"}
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    expect_heads(tmp_path, read_dataset(tmp_path))


def test_series_are_scans_of_a_known_pair(tmp_path):
    write_series_dataset(tmp_path / "Image", tmp_path / "Label", "case.{}")
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": LABELS}))
    dataset = read_dataset(tmp_path)
    assert "Image/case.0 with Label/case.0.nii.gz" in tell_layout(dataset)
    expect_heads(tmp_path, dataset)


def test_series_are_scans_of_a_decathlon_folder_and_of_a_csv(tmp_path):
    write_series_dataset(tmp_path / "scans", tmp_path / "masks", "case.{}")
    rows = [{"image": f"scans/case.{index}", "label": f"masks/case.{index}.nii.gz"} for index in range(2)]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": LABELS}))
    expect_heads(tmp_path, read_dataset(write_csv(tmp_path / "cases.csv", rows)))
    names = {str(value): name for name, value in LABELS.items()}
    description = {"modality": {"0": "MRI"}, "labels": names, "training": rows}
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    expect_heads(tmp_path, read_dataset(tmp_path))


def expect_heads(root, dataset):
    """The series hold what the same heads hold as NIfTI: voxels, and every measurement but names and files."""
    assert [case.name for case in dataset.cases] == ["case.0", "case.1"]
    found, _ = pass_over(dataset)
    assert found.findings() == ()
    images, labels = root / "nifti" / "images", root / "nifti" / "labels"
    for index, case in enumerate(dataset.cases):
        scan, mask = head(index)
        write_nifti(images / f"case.{index}.nii.gz", np.rint(scan).astype(np.int16), LPS)
        write_nifti(labels / f"case.{index}.nii.gz", mask, LPS)
        expected = read_image([images / f"case.{index}.nii.gz"])
        series = read_image(case.image_paths())
        assert np.array_equal(series.voxels, expected.voxels)
        # DICOM stores positions as decimal strings, NIfTI as float32.
        assert np.allclose(series.source_grid.matrix(), expected.source_grid.matrix(), atol=1e-5)
    (root / "nifti" / "dataset.json").write_text(json.dumps({"labels": LABELS}))
    same, _ = pass_over(root / "nifti")
    for record, other in zip(found.records(), same.records(), strict=True):
        assert record.channels == other.channels
        assert record.labels == other.labels
        assert record.orientation == other.orientation == "LPS"


def test_a_series_that_changed_is_read_again(tmp_path):
    write_series_dataset(tmp_path / "images", tmp_path / "labels", "case.{}")
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": LABELS}))
    known = {known.record.case: known for known in pass_over(tmp_path)[0].sound}
    assert pass_over(tmp_path, known)[1] == []
    (tmp_path / "images" / "case.1" / "1.2.3.2-99.dcm").unlink()
    found, read = pass_over(tmp_path, known)
    assert read == []
    assert [(finding.case, finding.kind) for finding in found.findings()] == [("case.1", "shape")]


def test_named_folders_need_no_common_name_and_take_labels_from_a_dataset_json_above(tmp_path):
    write_pairs(tmp_path / "a" / "scans", tmp_path / "b" / "drawings", 2)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": LABELS, "channel_names": {"0": "CT"}}))
    dataset = read_paired(tmp_path / "a" / "scans", tmp_path / "b" / "drawings")
    assert (dataset.channels, len(dataset.labels.labels)) == (("CT",), 2)
    assert "a/scans/sub-000.nii.gz with b/drawings/sub-000.nii.gz" in tell_layout(dataset)


@pytest.mark.parametrize("name", ["images", "labels"])
def test_a_named_folder_that_is_not_there_or_is_empty_is_refused(tmp_path, name):
    places = {"images": tmp_path / "images", "labels": tmp_path / "labels"}
    write_pairs(*places.values(), 1)
    (places[name] / "sub-000.nii.gz").unlink()
    with pytest.raises(DataError, match=f"{name}: holds no images"):
        read_paired(**places)
    places[name].rmdir()
    with pytest.raises(DataError, match=f"{name}: does not exist"):
        read_paired(**places)
