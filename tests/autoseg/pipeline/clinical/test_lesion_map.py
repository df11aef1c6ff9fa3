from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

import autoseg
from dataset_fingerprints.errors import DataError
from tests.autoseg.pipeline.clinical.files import AFFINE, SHAPE, write_mask

BOX, PART = (slice(6, 10), slice(14, 18), slice(12, 20)), (slice(6, 8), slice(14, 18), slice(12, 20))


def test_map_counts_cases_and_draws_them_on_the_template(tmp_path: Path) -> None:
    for case, box in (("1", BOX), ("2", PART), ("3", PART)):
        write_mask(tmp_path / "masks" / f"{case}.nii.gz", box)
    write_mask(tmp_path / "masks" / "4.nii.gz")
    result = autoseg.lesion_map(tmp_path / "masks", tmp_path / "map")
    counts = np.asarray(nibabel.load(tmp_path / "map" / "count.nii.gz").dataobj)
    assert counts[7, 15, 15] == 3
    assert counts[9, 15, 15] == 1
    assert counts.sum() == 128 + 2 * 64
    fraction = nibabel.load(tmp_path / "map" / "fraction.nii.gz").get_fdata()
    np.testing.assert_allclose(fraction, counts / 4, atol=1e-6)
    assert result.empty == ("4",)
    assert result.drawn_on == "MNI152"
    assert (tmp_path / "map" / "lesion_map.png").stat().st_size > 5000
    # Again into the same folder, whose files are its own.
    autoseg.lesion_map(tmp_path / "masks", tmp_path / "map")


def test_masks_on_several_grids_are_refused_with_what_to_do(tmp_path: Path) -> None:
    moved = AFFINE.copy()
    moved[2, 3] += 6
    write_mask(tmp_path / "masks" / "1.nii.gz", BOX)
    write_mask(tmp_path / "masks" / "2.nii.gz", BOX)
    write_mask(tmp_path / "masks" / "3.nii.gz", BOX, affine=moved)
    with pytest.raises(DataError, match=r"on 2 grids: 2 masks of 30x36x30 voxels.*Register the scans"):
        autoseg.lesion_map(tmp_path / "masks", tmp_path / "map")
    template = write_mask(tmp_path / "template.nii.gz", BOX)
    result = autoseg.lesion_map(tmp_path / "masks", tmp_path / "map", template=template, same_space=True)
    # The third lies a voxel higher.
    assert [int(result.counts[7, 15, z]) for z in (11, 12, 13, 19, 20, 21)] == [0, 2, 3, 3, 1, 0]


def test_folder_with_other_peoples_images_is_left_alone(tmp_path: Path) -> None:
    write_mask(tmp_path / "masks" / "1.nii.gz", BOX)
    write_mask(tmp_path / "map" / "count.nii.gz", BOX)
    with pytest.raises(DataError, match="not of an earlier lesion map"):
        autoseg.lesion_map(tmp_path / "masks", tmp_path / "map")


def test_masks_without_a_lesion_make_no_map(tmp_path: Path) -> None:
    write_mask(tmp_path / "masks" / "1.nii.gz")
    with pytest.raises(DataError, match="without a lesion"):
        autoseg.lesion_map(tmp_path / "masks", tmp_path / "map")


def test_template_on_another_grid_is_drawn_behind(tmp_path: Path) -> None:
    write_mask(tmp_path / "masks" / "1.nii.gz", BOX)
    brain = np.random.default_rng(0).normal(100, 10, [length // 2 for length in SHAPE]).astype(np.float32)
    coarse = AFFINE @ np.diag([2.0, 2, 2, 1])
    nibabel.Nifti1Image(brain, coarse).to_filename(tmp_path / "brain.nii.gz")
    result = autoseg.lesion_map(tmp_path / "masks", tmp_path / "map", template=tmp_path / "brain.nii.gz")
    assert result.drawn_on == "brain.nii.gz"
