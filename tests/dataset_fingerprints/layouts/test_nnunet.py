"""nnU-Net raw folders, with files found in folders or listed."""

from __future__ import annotations

import json
import shutil

import pytest

from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.layouts import read_dataset
from tests.dataset_fingerprints.layouts.builders import (
    LABELS,
    describe,
    write_listed,
)
from tests.synthetic.scans import head, write_nifti, write_nnunet_dataset


def test_an_nnunet_folder_gives_its_cases_channels_and_labels(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=3, channels=("T1w", "FLAIR")))
    assert [case.name for case in dataset.cases] == ["sub-000", "sub-001", "sub-002"]
    assert dataset.channels == ("T1w", "FLAIR")
    assert all(len(case.images) == 2 for case in dataset.cases)
    assert dataset.labels.labels == (Label(name="dark", value=1), Label(name="bright", value=2))


def test_a_preview_picture_beside_the_scans_is_not_a_case(tmp_path):
    write_nnunet_dataset(tmp_path, cases=2)
    (tmp_path / "imagesTr" / "overview.png").write_bytes(b"not looked at")
    (tmp_path / "labelsTr" / "overview.png").write_bytes(b"not looked at")
    assert [case.name for case in read_dataset(tmp_path).cases] == ["sub-000", "sub-001"]


def break_it(root, how):
    description = json.loads((root / "dataset.json").read_text(encoding="utf-8"))
    if how == "no scans":
        shutil.rmtree(root / "imagesTr")
    elif how == "no label maps":
        shutil.rmtree(root / "labelsTr")
    elif how == "two label maps for a case":
        write_nifti(root / "labelsTr" / "sub-001.nii", head(1)[1])
    elif how == "broken json":
        (root / "dataset.json").write_text('{"labels": ')
    elif how == "no json":
        (root / "dataset.json").unlink()
    elif how == "two labels share a value":
        description["labels"]["third"] = 1
    elif how == "no foreground":
        description["labels"] = {"background": 0}
    elif how == "no channel names":
        del description["channel_names"]
    if "json" not in how:
        (root / "dataset.json").write_text(json.dumps(description))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("no scans", r"no scan of its cases \(3\) exists, for example .*imagesTr/sub-000_0000.nii.gz"),
        ("no label maps", "labelsTr: holds no label maps"),
        ("two label maps for a case", r"several files .*sub-001\.nii, labelsTr/sub-001\.nii\.gz"),
        ("broken json", "line 1"),
        ("no json", "holds no dataset.json"),
        ("two labels share a value", "share a value"),
        ("no foreground", "no foreground"),
        ("no channel names", "channel_names"),
    ],
)
def test_a_broken_folder_is_refused_with_what_is_wrong(tmp_path, how, message):
    write_nnunet_dataset(tmp_path, cases=3)
    break_it(tmp_path, how)
    with pytest.raises(AutosegError, match=message):
        read_dataset(tmp_path)


def test_listed_cases_keep_files_that_lie_in_another_folder(tmp_path):
    shutil.move(write_listed(tmp_path / "a") / "scans", tmp_path / "elsewhere")
    description = json.loads((tmp_path / "a" / "dataset.json").read_text(encoding="utf-8"))
    for name, entry in description["dataset"].items():
        entry["images"] = [f"../elsewhere/{name}_t1.nii.gz"]
    describe(tmp_path / "a", **description)
    assert read_dataset(tmp_path / "a").cases[0].image_paths()[0].samefile(tmp_path / "elsewhere/sub-000_t1.nii.gz")


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ({}, "'dataset' lists no cases"),
        ({"a": {"images": "scans/a.nii.gz", "label": "masks/a.nii.gz"}}, "case a of 'dataset' is"),
        ({"a": {"images": [], "label": "a.nii.gz"}}, "case a of 'dataset' is"),
        ({"a": {"images": ["scans/a.nii.gz"] * 2, "label": "a.nii.gz"}}, r"1 channel is declared \(T1w\).*a \(2\)"),
        ({"a/b": {"images": ["1.nii.gz"], "label": "a.nii.gz"}}, "without slashes"),
        ({"a": {"images": ["1.nii.gz"], "label": "a.nii.gz"}}, r"no scan of its cases \(1\) exists, .*/1\.nii\.gz"),
    ],
)
def test_wrongly_listed_cases_are_refused(tmp_path, listed, message):
    describe(tmp_path, channel_names={"0": "T1w"}, labels=LABELS, dataset=listed)
    write_nifti(tmp_path / "scans" / "a.nii.gz", head(0)[0])
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path)
