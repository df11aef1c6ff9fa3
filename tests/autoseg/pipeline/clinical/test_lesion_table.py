from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from dataset_fingerprints.errors import DataError
from tests.autoseg.pipeline.clinical.files import AFFINE, SHAPE, write_mask
from tests.synthetic.trees import bids, write_tree

LEFT, RIGHT, LOW = (
    (slice(6, 10), slice(14, 18), slice(12, 20)),
    (slice(20, 24), slice(14, 18), slice(12, 20)),
    (slice(16, 18), slice(8, 10), slice(2, 5)),
)
SPECK = (slice(25, 26), slice(14, 15), slice(20, 21))


def test_table_has_a_row_per_case_sorted_as_numbers_and_a_picture(tmp_path: Path) -> None:
    for case, boxes in (("10", (LEFT,)), ("2", (LEFT, RIGHT)), ("1", (LOW, SPECK)), ("3", ())):
        write_mask(tmp_path / "masks" / f"{case}.nii.gz", *boxes)
    other = write_mask(tmp_path / "cerebellum.nii.gz", (slice(0, 30), slice(0, 12), slice(0, 8)))
    result = autoseg.lesion_table(tmp_path / "masks", other=other, min_mm3=300, out=tmp_path / "lesions.csv")
    with (tmp_path / "lesions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case"] for row in rows] == ["1", "2", "3", "10"]
    assert [row["pattern"] for row in rows] == ["one, other", "several, bilateral", "none", "one, left"]
    assert rows[0]["warnings"] == "1 component too small to count."
    assert result.counts["one, left"] == 1
    assert result.volumes is not None
    assert (result.volumes.cases, result.volumes.empty) == (3, 1)
    assert result.picture is not None
    assert result.picture.stat().st_size > 5000


def test_side_in_the_space_of_a_scan_is_doubted(tmp_path: Path) -> None:
    moved = AFFINE.copy()
    moved[0, 3] += 20
    write_mask(tmp_path / "masks" / "sub-1.nii.gz", LEFT, affine=moved)
    write_mask(tmp_path / "masks" / "sub-2_space-orig.nii.gz", LEFT)
    write_mask(tmp_path / "masks" / "sub-3.nii.gz", LEFT)
    doubts = autoseg.lesion_table(tmp_path / "masks").doubts
    assert "centred on x = 20 mm" in doubts["sub-1"]
    assert "space-orig" in doubts["sub-2_space-orig"]
    assert "sub-3" not in doubts


def test_without_a_lesion_no_picture_is_drawn_or_named(tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "mask.nii.gz")
    assert autoseg.lesion_table(mask, out=tmp_path / "lesions.csv").picture is None
    assert not (tmp_path / "lesions-volumes.png").exists()


def test_voxels_that_a_data_set_ignores_are_no_lesion(tmp_path: Path) -> None:
    scan, labels = bids(["sub-01"], "T1w", "label-L_mask")
    write_tree(tmp_path / "data", scan)
    voxels = np.zeros(SHAPE, dtype=np.uint8)
    voxels[LEFT], voxels[RIGHT] = 1, 3
    nibabel.Nifti1Image(voxels, AFFINE).to_filename(tmp_path / "data" / f"{labels}.nii.gz")
    assert autoseg.lesion_table(tmp_path / "data").patterns["sub-01"].pattern() == "several, bilateral"
    named = {"labels": {"background": 0, "lesion": 1, "ignore": 3}}
    (tmp_path / "data" / "dataset.json").write_text(json.dumps(named), encoding="utf-8")
    assert autoseg.lesion_table(tmp_path / "data").patterns["sub-01"].pattern() == "one, left"
    with pytest.raises(DataError, match="the value 1 is the only label that counts"):
        autoseg.label_shares(tmp_path / "data")
