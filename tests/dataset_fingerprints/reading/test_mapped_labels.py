from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.measuring.identity import confirm, identify_case
from dataset_fingerprints.reading.images import read_grid, read_label_map
from dataset_fingerprints.reading.mapped_labels import SUFFIX, MappedLabels
from tests.synthetic.scans import affine_of, write_nifti


def write_mapped(folder: Path, voxels: np.ndarray, values: dict[str, int]) -> Path:
    write_nifti(folder / "raw" / "mask.nii.gz", voxels, affine_of(spacing_mm=(1.0, 2.0, 3.0)))
    path = folder / f"case{SUFFIX}"
    write_json(path, MappedLabels(label_map="raw/mask.nii.gz", values=values))
    return path


def test_values_are_replaced_and_the_grid_is_that_of_the_label_map(tmp_path: Path) -> None:
    voxels = np.zeros((3, 4, 5), dtype=np.uint8)
    voxels[0], voxels[1] = 1, 2
    path = write_mapped(tmp_path, voxels, {"1": 3, "2": 0})
    found = read_label_map(path)
    assert np.array_equal(found.voxels[0], np.where(voxels == 1, 3, 0))
    assert read_grid(path) == found.source_grid


def test_what_is_off_a_whole_number_stays_off_so_that_it_is_found(tmp_path: Path) -> None:
    voxels = np.array([0.0, 0.9999, 1.0, 0.5, np.nan, np.inf], dtype=np.float32).reshape(6, 1, 1)
    found = read_label_map(write_mapped(tmp_path, voxels, {"1": 7})).voxels[0].ravel()
    # float32 keeps seven digits.
    assert found[:3] == pytest.approx([0.0, 6.9999, 7.0], abs=1e-5)
    assert found[3] % 1 == pytest.approx(0.5)
    assert np.isnan(found[4])
    assert np.isposinf(found[5])


def test_a_value_that_nothing_is_known_of_is_refused(tmp_path: Path) -> None:
    path = write_mapped(tmp_path, np.full((2, 2, 2), 3, dtype=np.uint8), {"1": 2})
    with pytest.raises(DataError, match=r"raw/mask\.nii\.gz holds 3\. Expected 0, 1: name all labels"):
        read_label_map(path)


def test_a_change_of_either_file_is_a_change_of_the_case(tmp_path: Path) -> None:
    voxels = np.ones((2, 2, 2), dtype=np.uint8)
    label = write_mapped(tmp_path, voxels, {"1": 2})
    image = write_nifti(tmp_path / "scan.nii.gz", voxels.astype(np.float32))
    case = Case(name="a", images=(str(image),), label=str(label), subject="a")
    before = identify_case(case)
    assert confirm(case, before) == before
    write_mapped(tmp_path, voxels, {"1": 3})
    changed = identify_case(case)
    assert changed[1].sha256 != before[1].sha256
    assert confirm(case, before) is None
    write_mapped(tmp_path, np.zeros((2, 2, 2), dtype=np.uint8), {"1": 3})
    assert identify_case(case)[1].sha256 != changed[1].sha256
    assert confirm(replace(case, label=str(tmp_path / "raw" / "mask.nii.gz")), before) is None
