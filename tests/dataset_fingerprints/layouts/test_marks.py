from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.layouts import Marks, find_marks, read_dataset, read_paired
from tests.synthetic.scans import write_nnunet_dataset


def write_mark(path: Path, **fields: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields), encoding="utf-8")


def mark_dataset(root: Path, **fields: object) -> None:
    path = root / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")


@pytest.mark.parametrize("name", ["dataset.json", "dataset_description.json", "simulation.json"])
@pytest.mark.parametrize("field", ["simulated", "Simulated"])
def test_a_mark_is_found_above_the_files(tmp_path: Path, name: str, field: str) -> None:
    write_mark(tmp_path / "data" / name, **{field: True})
    scan = tmp_path / "data" / "Training" / "R001" / "sub-1" / "ses-1" / "anat" / "scan.nii.gz"
    scan.parent.mkdir(parents=True)
    scan.touch()
    assert find_marks([scan]) == Marks(simulated=True)
    assert find_marks([tmp_path / "data"]) == Marks(simulated=True)
    assert find_marks([tmp_path]) == Marks()


def test_a_mark_is_found_where_a_link_leads_to(tmp_path: Path) -> None:
    write_mark(tmp_path / "made" / "simulation.json", simulated=True)
    (tmp_path / "made" / "0.nii.gz").touch()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "a.nii.gz").symlink_to(tmp_path / "made" / "0.nii.gz")
    assert find_marks([tmp_path / "linked" / "a.nii.gz"]).simulated


@pytest.mark.parametrize("fields", [{"simulated": False}, {"simulated": "yes"}, {"release": 3}, {}])
def test_other_values_are_no_marks(tmp_path: Path, fields: dict[str, object]) -> None:
    write_mark(tmp_path / "dataset.json", **fields)
    assert find_marks([tmp_path]) == Marks()


def test_a_file_that_is_no_json_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("{", encoding="utf-8")
    (tmp_path / "simulation.json").write_text("[1]", encoding="utf-8")
    assert find_marks([tmp_path]) == Marks()


def test_a_data_set_carries_its_marks_through_its_file(tmp_path: Path) -> None:
    write_nnunet_dataset(tmp_path / "raw", 2)
    assert not read_dataset(tmp_path / "raw").simulated
    mark_dataset(tmp_path / "raw", simulated=True, release="R2.0", space="MNI")
    dataset = read_dataset(tmp_path / "raw")
    assert (dataset.simulated, dataset.release, dataset.space) == (True, "R2.0", "MNI")
    write_json(tmp_path / "dataset.json", dataset)
    assert read_json(tmp_path / "dataset.json", Dataset) == dataset


def test_a_data_set_without_marks_is_stored_as_ever(tmp_path: Path) -> None:
    write_nnunet_dataset(tmp_path / "raw", 2)
    write_json(tmp_path / "dataset.json", read_dataset(tmp_path / "raw"))
    assert (
        not {"simulated", "release", "space"}
        & json.loads((tmp_path / "dataset.json").read_text(encoding="utf-8")).keys()
    )


def test_folders_that_are_named_one_by_one_have_the_marks_above_them(tmp_path: Path) -> None:
    write_nnunet_dataset(tmp_path / "raw", 2)
    mark_dataset(tmp_path / "raw", simulated=True)
    assert read_paired(tmp_path / "raw" / "imagesTr", tmp_path / "raw" / "labelsTr").simulated
