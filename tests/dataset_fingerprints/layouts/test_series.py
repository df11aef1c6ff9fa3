"""DICOM series, which are scans in every layout that looks into folders."""

from __future__ import annotations

import json

import numpy as np

from dataset_fingerprints.layouts import describe_layout, read_dataset
from dataset_fingerprints.reading.images import read_image
from tests.dataset_fingerprints.layouts.builders import (
    LABELS,
)
from tests.synthetic.dicom import write_series
from tests.synthetic.passes import pass_over
from tests.synthetic.scans import affine_of, head, write_csv, write_nifti

LPS = affine_of(flips=(-1, -1, 1))


def write_series_dataset(images, labels, name, cases=2):
    """Write scans as folders of slices called by `name` and label maps as NIfTI."""
    for index in range(cases):
        scan, mask = head(index)
        write_series(images / name.format(index), np.rint(scan).astype(np.int16), LPS, f"1.2.3.{index + 1}")
        write_nifti(labels / f"case.{index}.nii.gz", mask, LPS)


def test_series_are_scans_of_an_nnunet_folder(tmp_path):
    write_series_dataset(tmp_path / "imagesTr", tmp_path / "labelsTr", "case.{}_0000")
    description = {"channel_names": {"0": "T1w"}, "labels": LABELS, "file_ending": ".nii.gz"}
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    expect_heads(tmp_path, read_dataset(tmp_path))


def test_series_are_scans_of_a_known_pair(tmp_path):
    write_series_dataset(tmp_path / "Image", tmp_path / "Label", "case.{}")
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": LABELS}))
    dataset = read_dataset(tmp_path)
    assert "Image/case.0 with Label/case.0.nii.gz" in describe_layout(dataset)
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


def test_series_of_a_picture_archive_are_scans_of_their_patients(tmp_path):
    for index in range(2):
        scan, mask = head(index)
        folder = tmp_path / "images" / f"case.{index}" / "study" / "series"
        write_series(folder, np.rint(scan).astype(np.int16), LPS, f"1.2.3.{index + 1}")
        write_nifti(tmp_path / "labels" / f"case.{index}.nii.gz", mask, LPS)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": LABELS}))
    dataset = read_dataset(tmp_path)
    assert dataset.cases[0].images == (str(tmp_path / "images" / "case.0"),)
    expect_heads(tmp_path, dataset)
    known = {known.record.case: known for known in pass_over(tmp_path)[0].sound}
    next((tmp_path / "images" / "case.1").rglob("*.dcm")).unlink()
    assert {finding.case for finding in pass_over(tmp_path, known)[0].findings()} == {"case.1"}


def test_series_of_a_picture_archive_are_scans_of_an_nnunet_folder(tmp_path):
    for index in range(2):
        scan, mask = head(index)
        folder = tmp_path / "imagesTr" / f"case.{index}_0000" / "series"
        write_series(folder, np.rint(scan).astype(np.int16), LPS, f"1.2.3.{index + 1}")
        write_nifti(tmp_path / "labelsTr" / f"case.{index}.nii.gz", mask, LPS)
    description = {"channel_names": {"0": "T1w"}, "labels": LABELS, "file_ending": ".nii.gz"}
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    expect_heads(tmp_path, read_dataset(tmp_path))
