from __future__ import annotations

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.simulate.case import request_case, simulate_scan
from autoseg.simulate.options import SimulationOptions
from autoseg.simulate.real_masks import find_masks, read_mask, sample_real_mask
from dataset_fingerprints.errors import AutosegError

# Never copied into the project; AUTOSEG_DATA names another place.
REAL = Path(os.environ.get("AUTOSEG_DATA", Path(__file__).parents[4] / "shared/data")) / "stroke_lesion_masks"
AFFINE = np.diag([-2.0, 2.0, 2.0, 1.0])
AFFINE[:3, 3] = (90.0, -126.0, -72.0)


def write_mask(path: Path, centre_mm: tuple[float, float, float], radius_mm: float, value: float = 1.0) -> Path:
    voxels = np.indices((91, 109, 91))
    points = np.einsum("ij,jxyz->ixyz", AFFINE[:3, :3], voxels) + AFFINE[:3, 3, None, None, None]
    distance = np.linalg.norm(points - np.array(centre_mm)[:, None, None, None], axis=0)
    mask = ((distance <= radius_mm) * value).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(mask, AFFINE), path)
    return path


def options_for(folder: Path, **more: float) -> SimulationOptions:
    return SimulationOptions(spacing_mm=4.0, lesion_masks=str(folder), **more)  # type: ignore[arg-type]


def middle_mm(number: int, options: SimulationOptions) -> np.ndarray:
    scan = simulate_scan(request_case(number), options)
    return np.asarray(nibabel.affines.apply_affine(scan.affine, np.argwhere(scan.label).mean(axis=0)))


def test_lesions_lie_where_the_mask_is_or_mirrored_and_have_its_volume(tmp_path: Path) -> None:
    write_mask(tmp_path / "a_lesion.nii.gz", (-30.0, -10.0, 22.0), 14.0)
    options = options_for(tmp_path)
    middles = np.array([middle_mm(number, options) for number in range(1, 9)])
    assert {int(np.sign(x)) for x in middles[:, 0]} == {-1, 1}
    # Brains differ in size by 4 % (SD) and are warped by some millimetres.
    np.testing.assert_allclose(np.abs(middles), np.tile([30.0, 10.0, 22.0], (8, 1)), atol=14.0)
    scan = simulate_scan(request_case(1), options)
    assert scan.record.mask == "a_lesion.nii.gz"
    # The ball has 11.5 ml; a brain's volume varies by 7 % (SD), and the warp changes it here and there.
    assert scan.record.volume_ml == pytest.approx(11.5, rel=0.45)
    assert scan.record.location == "subcortical"
    assert 0.6 < scan.record.oracle_dice < 1.0


def test_mask_smaller_than_a_voxel_becomes_one_voxel(tmp_path: Path) -> None:
    write_mask(tmp_path / "tiny_mask.nii.gz", (-30.0, -10.0, 22.0), 2.0, value=255.0)
    scan = simulate_scan(request_case(1), options_for(tmp_path))
    assert scan.label.sum() == 1


def test_masks_outside_of_the_range_of_volumes_are_not_drawn(tmp_path: Path) -> None:
    write_mask(tmp_path / "large_lesion.nii.gz", (-30.0, -10.0, 22.0), 20.0)
    write_mask(tmp_path / "small_lesion.nii.gz", (-30.0, -10.0, 22.0), 8.0)
    rng = np.random.default_rng(0)
    drawn = {sample_real_mask(rng, tmp_path, 0.01, 10.0).file for _ in range(12)}
    assert drawn == {"small_lesion.nii.gz"}
    with pytest.raises(AutosegError, match=r"none of its 2 masks is of 100 to 200 ml"):
        sample_real_mask(rng, tmp_path, 100.0, 200.0)


def test_other_images_in_the_folder_are_not_taken_for_masks(tmp_path: Path) -> None:
    write_mask(tmp_path / "sub-1_lesion.nii.gz", (-30.0, -10.0, 22.0), 8.0)
    write_mask(tmp_path / "atlas.nii.gz", (-30.0, -10.0, 22.0), 8.0)
    (tmp_path / "lesion_list.txt").write_text("sub-1", encoding="utf-8")
    assert find_masks(tmp_path) == ("sub-1_lesion.nii.gz",)


def test_masks_of_any_names_are_taken_where_none_says_what_it_is(tmp_path: Path) -> None:
    for name in ("sub-1.nii.gz", "sub-2_seg.nii"):
        write_mask(tmp_path / name, (-30.0, -10.0, 22.0), 8.0)
    assert find_masks(tmp_path) == ("sub-1.nii.gz", "sub-2_seg.nii")
    assert sample_real_mask(np.random.default_rng(0), tmp_path, 0.01, 10.0).file in find_masks(tmp_path)


def test_folder_that_holds_no_masks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none", encoding="utf-8")
    with pytest.raises(AutosegError, match=r"holds no image\. Expected lesion masks in MNI space"):
        find_masks(tmp_path)
    with pytest.raises(AutosegError, match="is not a folder"):
        find_masks(tmp_path / "nowhere")


def test_file_that_is_not_a_mask_is_refused(tmp_path: Path) -> None:
    empty = write_mask(tmp_path / "empty_mask.nii.gz", (-30.0, -10.0, 22.0), 8.0, value=0.0)
    with pytest.raises(AutosegError, match=r"empty_mask.nii.gz: is empty"):
        read_mask(empty)
    atlas = tmp_path / "atlas_mask.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.arange(27, dtype=np.float32).reshape(3, 3, 3), np.eye(4)), atlas)
    with pytest.raises(AutosegError, match="holds 27 different values from 0 to 26"):
        read_mask(atlas)


def test_mask_in_another_space_is_refused(tmp_path: Path) -> None:
    outside = write_mask(tmp_path / "native_lesion.nii.gz", (85.0, 80.0, 90.0), 8.0)
    with pytest.raises(AutosegError, match="only 0% of the mask lie inside the MNI152 brain"):
        read_mask(outside)


@pytest.mark.skipif(not REAL.is_dir(), reason="real lesion masks are not here")
def test_real_masks_are_all_in_mni_space_and_give_lesions_of_their_volume() -> None:
    masks = find_masks(REAL)
    assert len(masks) == 300
    options = options_for(REAL, min_lesion_ml=2.0)
    for number in range(1, 6):
        record = simulate_scan(request_case(number), options).record
        assert record.volume_ml == pytest.approx(read_mask(REAL / record.mask).volume_ml, rel=0.5)
