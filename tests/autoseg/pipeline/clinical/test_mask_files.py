"""Masks of scans: which voxels of a scan they mark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoseg.pipeline.clinical.mask_files import read_region
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.measuring.scans import Scan, read_scan
from tests.synthetic.scans import write_nifti

SHAPE = (6, 6, 6)


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    voxels = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    return read_scan("a", [write_nifti(tmp_path / "scan.nii.gz", voxels)], ("image",))


def test_all_values_but_0_are_the_region_where_none_are_named(tmp_path: Path, scan: Scan) -> None:
    voxels = np.zeros(SHAPE, dtype=np.int16)
    voxels[0], voxels[1] = -1, 2
    mask = write_nifti(tmp_path / "mask.nii.gz", voxels)
    assert read_region(mask, scan).sum() == 72
    assert read_region(mask, scan, (2,)).sum() == 36


def test_values_that_miss_whole_numbers_by_rounding_are_these(tmp_path: Path, scan: Scan) -> None:
    voxels = np.zeros(SHAPE, dtype=np.float32)
    voxels[0] = 0.99999
    assert read_region(write_nifti(tmp_path / "mask.nii.gz", voxels), scan, (1,)).sum() == 36


def test_a_mask_on_another_grid_is_refused(tmp_path: Path, scan: Scan) -> None:
    mask = write_nifti(tmp_path / "mask.nii.gz", np.ones((6, 6, 5), dtype=np.uint8))
    with pytest.raises(DataError, match=r"is 6x6x5 voxels and does not lie on the grid of the scan \(6x6x6\)"):
        read_region(mask, scan)
