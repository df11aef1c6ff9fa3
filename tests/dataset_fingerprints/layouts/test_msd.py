"""Decathlon folders, with 3D and 4D files."""

from __future__ import annotations

import json
import shutil

import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import read_dataset
from tests.dataset_fingerprints.layouts.builders import (
    describe,
    write_msd,
)
from tests.synthetic.scans import head, write_nifti


def write_listed_brains(root, cases=3):
    training = []
    for index in range(cases):
        image, mask = head(index)
        write_nifti(root / "imagesTr" / f"brain_{index}.nii.gz", image)
        write_nifti(root / "labelsTr" / f"brain_{index}.nii.gz", mask)
        training.append({"image": f"./imagesTr/brain_{index}.nii.gz", "label": f"./labelsTr/brain_{index}.nii.gz"})
    labels = {"0": "background", "1": "dark", "2": "bright"}
    (root / "dataset.json").write_text(json.dumps({"modality": {"0": "MRI"}, "labels": labels, "training": training}))
    return root


def test_an_msd_folder_gives_the_listed_cases(tmp_path):
    dataset = read_dataset(write_listed_brains(tmp_path))
    assert dataset.layout == "msd"
    assert [case.name for case in dataset.cases] == ["brain_0", "brain_1", "brain_2"]
    assert dataset.channels == ("MRI",)


@pytest.mark.parametrize(("modality", "declared"), [(("MRI",), "1 channel is"), (("A", "B"), "2 channels are")])
def test_msd_scans_with_other_volumes_than_declared_are_refused_with_advice(tmp_path, modality, declared):
    with pytest.raises(DataError, match=rf"{declared} declared.*sub-000 \(3\), sub-001 \(3\).*Name every volume"):
        read_dataset(write_msd(tmp_path, volumes=3, cases=2, modality=modality))


def test_msd_scans_with_as_many_volumes_as_declared_are_read(tmp_path):
    dataset = read_dataset(write_msd(tmp_path, volumes=3, modality=("A", "B", "C")))
    assert dataset.channels == ("A", "B", "C")
    assert all(len(case.images) == 1 for case in dataset.cases)


def test_a_damaged_scan_is_left_to_the_checks_that_list_all_of_them(tmp_path):
    root = write_msd(tmp_path)
    (root / "imagesTr" / "sub-001.nii.gz").write_bytes(b"damaged")
    assert len(read_dataset(root).cases) == 4


def test_an_msd_folder_whose_scans_lie_nowhere_is_refused(tmp_path):
    entry = {"image": "/nowhere/a.nii.gz", "label": "labelsTr/a.nii.gz"}
    describe(tmp_path, modality={"0": "T1w"}, labels={"1": "lesion"}, training=[entry])
    with pytest.raises(DataError, match=r"no scan of its cases \(1\) exists, for example /nowhere/a\.nii\.gz"):
        read_dataset(tmp_path)


def test_channels_that_nnunets_first_version_does_not_list_are_found(tmp_path):
    root = write_msd(tmp_path, cases=2, modality=("T1w", "FLAIR"))
    for scan in sorted((root / "imagesTr").iterdir()):
        stem = scan.name.removesuffix(".nii.gz")
        shutil.copy(scan, scan.with_name(f"{stem}_0001.nii.gz"))
        scan.rename(scan.with_name(f"{stem}_0000.nii.gz"))
    dataset = read_dataset(root)
    assert (dataset.layout, dataset.channels) == ("msd", ("T1w", "FLAIR"))
    assert {case.name: [path.name for path in case.image_paths()] for case in dataset.cases} == {
        name: [f"{name}_0000.nii.gz", f"{name}_0001.nii.gz"] for name in ("sub-000", "sub-001")
    }
