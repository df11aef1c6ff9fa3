"""Label maps of two raters, voxel by voxel, as they are read from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import autoseg
from tests.autoseg.evaluation.masks import make_box, write_labels


def test_values_that_miss_whole_numbers_by_rounding_are_these(tmp_path: Path) -> None:
    box = make_box((8, 8, 8), (2, 2, 2), (6, 6, 6))
    write_labels(tmp_path / "one" / "a.nii.gz", box)
    write_labels(tmp_path / "two" / "a.nii.gz", box.astype(np.float32) * np.float32(0.99999))
    found = autoseg.agreement([tmp_path / "one", tmp_path / "two"])
    rated = {one.measure: one.statistics.mean for one in found.voxels}
    assert (rated["dice_all_labels"], rated["agreement"]) == (1.0, 1.0)
