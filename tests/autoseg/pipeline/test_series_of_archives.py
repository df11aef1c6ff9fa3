"""Predicting DICOM series that lie in the folders of a picture archive, or several in one folder."""

from __future__ import annotations

import numpy as np
import pytest

import autoseg
from autoseg.pipeline.scans.new_scans import find_scans
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_grid, read_label_map
from tests.synthetic.commands import run
from tests.synthetic.dicom_files import DESCRIPTION, POSITION, SERIES, SPACING, STUDY, write_slice
from tests.synthetic.scans import head, write_nifti

SMALL = np.zeros((4, 3, 2), np.int16)


def write_series(folder, voxels=SMALL, description="T1", uid="1.2.3.1", study="1.2.3"):
    for number in range(voxels.shape[2]):
        tags = {POSITION: (0, 0, number), SPACING: (1, 1), DESCRIPTION: description, SERIES: uid, STUDY: study}
        write_slice(folder / f"{description}{number}", voxels[:, :, number].T.astype(np.int16), tags)


def names_of(scans, channels=("T1w",), series=""):
    return [(scan.name, scan.images) for scan in find_scans(scans, channels, zero_missing=False, series=series)]


def test_series_in_sub_folders_are_scans_with_names_of_their_own(tmp_path):
    for place in ("p1/study/se1", "p2/study/se1", "p2/study/se2", "p3"):
        write_series(tmp_path / place, study=place[:2])
    (tmp_path / "p4").mkdir()
    assert names_of(tmp_path) == [
        ("p1", (tmp_path / "p1",)),
        ("p2_study_se1", (tmp_path / "p2" / "study" / "se1",)),
        ("p2_study_se2", (tmp_path / "p2" / "study" / "se2",)),
        ("p3", (tmp_path / "p3",)),
    ]
    assert [name for name, _ in names_of(tmp_path / "p2")] == ["study_se1", "study_se2"]
    assert names_of(tmp_path / "p1") == [("study", (tmp_path / "p1" / "study",))]


def test_series_below_a_folder_of_image_files_are_not_taken_for_scans(tmp_path):
    write_series(tmp_path / "sources" / "p1" / "study")
    write_nifti(tmp_path / "p1.nii.gz", head(1)[0])
    assert names_of(tmp_path) == [("p1", (tmp_path / "p1.nii.gz",))]


def test_a_description_chooses_the_series_of_every_study(tmp_path):
    for patient in ("p1", "p2"):
        for uid, kind in enumerate(("T1", "FLAIR")):
            write_series(tmp_path / patient / kind, description=kind, uid=f"1.{patient[1]}.{uid}", study=patient)
    assert [name for name, _ in names_of(tmp_path)] == ["p1_FLAIR", "p1_T1", "p2_FLAIR", "p2_T1"]
    assert [name for name, _ in names_of(tmp_path, series="flair")] == ["p1", "p2"]
    assert [name for name, _ in names_of(tmp_path / "p1", series="t1")] == ["T1"]


@pytest.mark.parametrize("given", ["a.nii.gz", "."])
def test_a_description_is_refused_where_there_is_no_series(tmp_path, given):
    write_nifti(tmp_path / "a.nii.gz", head(1)[0])
    with pytest.raises(DataError, match=r"is one image; --series|holds no DICOM series"):
        names_of(tmp_path / given, series="T1")


def write_pair(root):
    """Write both channels of a patient, each with a localizer in the same folder."""
    for channel in range(2):
        folder = root / f"p_{channel:04d}" / "study" / "images"
        write_series(folder, head(50)[0], "whole head", f"1.2.{channel}.1")
        write_series(folder, head(50)[0][:, :, :2], "localizer", f"1.2.{channel}.2")


def test_predicting_several_series_lists_them_and_takes_the_one_that_is_named(trained, tmp_path, monkeypatch, capsys):
    write_pair(tmp_path / "new")
    arguments = ["predict", tmp_path / "new", "-o", tmp_path / "out", "-w", trained / "ws", "--no-mirror"]
    assert run(monkeypatch, *arguments) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "holds 2 DICOM series ('localizer' (2 slices, 1.2.0.2); 'whole head' (20 slices, 1.2.0.1))" in error
    assert "--series" in error
    assert not list(tmp_path.glob("out/*"))
    assert run(monkeypatch, *arguments, "--series", "sagittal") == 2
    assert "none of them fits --series 'sagittal'" in " ".join(capsys.readouterr().err.split())
    assert run(monkeypatch, *arguments, "--series", "Whole") == 0
    (mask,) = (tmp_path / "out").glob("*.nii.gz")
    assert mask.name == "p.nii.gz"
    assert read_grid(mask).shape == head(50)[0].shape
    # The same from Python, of the same two folders.
    model = autoseg.load_model(trained / "ws", mirror=False)
    channels = [tmp_path / "new" / f"p_{channel:04d}" for channel in range(2)]
    found = model.predict(channels, series="whole").labels
    stored = read_label_map(mask).voxels[0]
    assert np.array_equal(found[::-1, ::-1], stored)
    with pytest.raises(DataError, match="2 DICOM series"):
        model.predict(channels)


def test_one_slice_of_a_series_is_told_to_be_one(tmp_path):
    write_series(tmp_path / "ct")
    with pytest.raises(
        DataError, match=rf"is not an image.*lies in a DICOM series: give its folder, {tmp_path / 'ct'}"
    ):
        names_of(tmp_path / "ct" / "T10")
