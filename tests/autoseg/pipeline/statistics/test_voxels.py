"""Label maps of two raters, voxel by voxel, as they are read from files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import autoseg
from tests.autoseg.evaluation.masks import make_box, write_labels
from tests.synthetic.trees import bids, write_tree


def test_values_that_miss_whole_numbers_by_rounding_are_these(tmp_path: Path) -> None:
    box = make_box((8, 8, 8), (2, 2, 2), (6, 6, 6))
    write_labels(tmp_path / "one" / "a.nii.gz", box)
    write_labels(tmp_path / "two" / "a.nii.gz", box.astype(np.float32) * np.float32(0.99999))
    found = autoseg.agreement([tmp_path / "one", tmp_path / "two"])
    rated = {one.measure: one.statistics.mean for one in found.voxels}
    assert (rated["dice_all_labels"], rated["agreement"]) == (1.0, 1.0)


def test_voxels_that_a_data_set_of_references_ignores_count_in_nothing(tmp_path: Path) -> None:
    box, half = (make_box((8, 8, 8), (2, 2, 2), (stop, 6, 6)) for stop in (6, 4))
    subjects = ("sub-01", "sub-02", "sub-03")
    write_tree(tmp_path / "data", *bids(subjects, "T1w"))
    for subject, file in zip(subjects, bids(subjects, "label-L_mask"), strict=True):
        write_labels(tmp_path / "data" / f"{file}.nii.gz", np.where(half > 0, 1, 3 * box).astype(np.uint8))
        write_labels(tmp_path / "masks" / f"{subject}.nii.gz", box)
    labels = {"background": 0, "lesion": 1, "ignore": 3}
    (tmp_path / "data" / "dataset.json").write_text(json.dumps({"labels": labels}), encoding="utf-8")
    found = autoseg.agreement([tmp_path / "data"], tmp_path / "masks")
    assert [one.statistics.mean for one in found.pairs if one.metric == "dice"] == [1.0]
    assert {one.measure: one.statistics.mean for one in found.voxels}["agreement"] == 1.0
