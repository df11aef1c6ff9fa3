from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from autoseg.classical import BASELINES
from dataset_fingerprints.errors import DataError, PartlyDoneError

SHAPE, AFFINE = (24, 28, 20), np.diag([-3.0, 3.0, 3.5, 1.0])


def write_scan(path: Path) -> np.ndarray:
    """Write a round brain with a dark ball on one side, its first axis stored to the left, and return the ball."""
    x, y, z = np.indices(SHAPE) - (np.array(SHAPE) / 2)[:, None, None, None] + 0.5
    lesion = (x - 5) ** 2 + y**2 + z**2 < 9
    voxels = 100 + np.random.default_rng(0).normal(0, 3, SHAPE)
    voxels[lesion] -= 50
    voxels[(x / 11) ** 2 + (y / 13) ** 2 + (z / 9) ** 2 > 1] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(voxels.astype(np.float32), AFFINE).to_filename(path)
    return lesion


def test_every_method_writes_a_folder_that_evaluate_scores(tmp_path: Path) -> None:
    lesion = write_scan(tmp_path / "scans" / "1.nii.gz")
    (tmp_path / "references").mkdir()
    nibabel.Nifti1Image(lesion.astype(np.uint8), AFFINE).to_filename(tmp_path / "references" / "1.nii.gz")
    masks = autoseg.baselines(tmp_path / "scans", tmp_path / "masks")
    assert set(masks.folders) == set(BASELINES)
    for folder in masks.folders.values():
        scores = autoseg.evaluate(folder, tmp_path / "references")
        assert scores.cases[0].labels[0].number("dice") > 0.8
        np.testing.assert_allclose(nibabel.load(folder / "1.nii.gz").affine, AFFINE)


def test_masks_that_are_there_stay_unless_they_are_to_be_replaced(tmp_path: Path) -> None:
    write_scan(tmp_path / "scans" / "1.nii.gz")
    first = autoseg.baselines(tmp_path / "scans", tmp_path / "masks", methods=["threshold:sigmas=3"])
    again = autoseg.baselines(tmp_path / "scans", tmp_path / "masks", methods=["threshold:sigmas=3"])
    anew = autoseg.baselines(tmp_path / "scans", tmp_path / "masks", methods="threshold:sigmas=3", overwrite=True)
    assert (first.kept, again.kept, anew.kept) == (0, 1, 0)
    assert (tmp_path / "masks" / "threshold-sigmas3" / "1.nii.gz").is_file()


def test_region_grows_from_a_seed_in_mm(tmp_path: Path) -> None:
    lesion = write_scan(tmp_path / "1.nii.gz")
    centre = np.argwhere(lesion).mean(axis=0)
    seed = (AFFINE @ np.append(centre, 1))[:3]
    masks = autoseg.baselines(tmp_path / "1.nii.gz", tmp_path / "masks", methods=["region_growing"], seeds_mm=[seed])
    found = np.asarray(nibabel.load(masks.folders["region_growing"] / "1.nii.gz").dataobj) > 0
    assert np.count_nonzero(found & lesion) > 0.8 * np.count_nonzero(lesion)
    with pytest.raises(DataError, match="does not lie in the brain"):
        autoseg.baselines(
            tmp_path / "1.nii.gz", tmp_path / "others", methods=["region_growing"], seeds_mm=[(900, 0, 0)]
        )


def test_seed_is_of_one_scan_and_of_region_growing(tmp_path: Path) -> None:
    for name in ("1", "2"):
        write_scan(tmp_path / "scans" / f"{name}.nii.gz")
    with pytest.raises(DataError, match="there is 2 scans"):
        autoseg.baselines(tmp_path / "scans", tmp_path / "masks", seeds_mm=[(0, 0, 0)])
    with pytest.raises(DataError, match="no region_growing"):
        autoseg.baselines(tmp_path / "scans" / "1.nii.gz", tmp_path / "masks", methods=["kmeans"], seeds_mm=[(0, 0, 0)])


def test_scan_that_cannot_be_read_leaves_the_others_done(tmp_path: Path) -> None:
    write_scan(tmp_path / "scans" / "1.nii.gz")
    (tmp_path / "scans" / "2.nii.gz").write_bytes(b"nothing")
    with pytest.raises(PartlyDoneError, match="1 of 2 cases cannot be done"):
        autoseg.baselines(tmp_path / "scans", tmp_path / "masks", methods=["threshold"])
    assert (tmp_path / "masks" / "threshold" / "1.nii.gz").is_file()
