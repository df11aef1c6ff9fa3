from __future__ import annotations

import nibabel
import numpy as np
import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.images import read_image, read_label_map, write_label_map
from tests.synthetic.scans import affine_of, all_orientations, write_nifti

SHAPE = (5, 6, 7)


@pytest.mark.parametrize(("permutation", "flips"), all_orientations())
@pytest.mark.parametrize("degrees", [0.0, 17.0])
def test_a_label_map_is_written_back_with_the_affine_shape_and_voxels_of_its_file(
    tmp_path, permutation, flips, degrees
):
    affine = affine_of(permutation, flips, (1.0, 0.9, 2.5), degrees)
    labels = np.random.default_rng(0).integers(0, 4, SHAPE).astype(np.uint8)
    read = read_label_map(write_nifti(tmp_path / "in.nii.gz", labels, affine))
    write_label_map(tmp_path / "out.nii.gz", read.voxels[0], read.source_grid)
    written = nibabel.load(tmp_path / "out.nii.gz")
    assert written.shape == SHAPE
    assert np.allclose(written.affine, affine, atol=1e-5)
    assert np.array_equal(np.asanyarray(written.dataobj), labels)
    assert written.get_data_dtype() == np.uint8


def test_several_files_become_the_channels_of_one_image(tmp_path):
    paths = [write_nifti(tmp_path / f"{i}.nii.gz", np.full(SHAPE, i, np.int16)) for i in range(3)]
    voxels = read_image(paths).voxels
    assert voxels.shape == (3, *SHAPE)
    assert [channel.mean() for channel in voxels] == [0, 1, 2]


def test_a_4d_file_holds_its_channels_along_the_last_axis(tmp_path):
    stacked = np.stack([np.zeros(SHAPE), np.ones(SHAPE)], axis=-1).astype(np.float32)
    voxels = read_image([write_nifti(tmp_path / "a.nii.gz", stacked)]).voxels
    assert voxels.shape == (2, *SHAPE)
    assert voxels[1].min() == 1


def test_intensity_scaling_in_the_header_is_applied(tmp_path):
    image = nibabel.Nifti1Image(np.full(SHAPE, 10, np.int16), affine_of())
    image.header.set_slope_inter(0.5, 3.0)
    nibabel.save(image, tmp_path / "a.nii.gz")
    stored = nibabel.load(tmp_path / "a.nii.gz").get_fdata()
    assert np.allclose(read_image([tmp_path / "a.nii.gz"]).voxels[0], stored)


def test_a_truncated_file_is_named(tmp_path):
    voxels = np.random.default_rng(0).normal(size=(30, 30, 30))
    path = write_nifti(tmp_path / "a.nii.gz", voxels)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"a\.nii\.gz.*(truncated|damaged|cannot be read)"):
        read_image([path])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_image([tmp_path / "none.nii.gz"])
