from __future__ import annotations

import gzip
import socket

import nibabel
import numpy as np
import pytest
import SimpleITK

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import make_grid
from dataset_fingerprints.reading.images import read_image, read_label_map, write_label_map
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


def flip_bit(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("at", [-6, -2, 4000, 20000])
def test_a_gzip_file_in_which_one_bit_was_flipped_is_never_read_as_if_it_were_sound(tmp_path, at):
    voxels = np.random.default_rng(0).normal(size=(20, 20, 20))
    path = write_nifti(tmp_path / "a.nii.gz", voxels)
    flip_bit(path, at)
    with pytest.raises(DataError, match=r"a\.nii\.gz.*(damaged|truncated)"):
        read_image([path])


@pytest.mark.parametrize("kept", [-1, -8, 400, 30000])
def test_a_gzip_file_that_breaks_off_anywhere_is_called_truncated(tmp_path, kept):
    voxels = np.random.default_rng(0).normal(size=(20, 20, 20))
    path = write_nifti(tmp_path / "a.nii.gz", voxels)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"a\.nii\.gz: is truncated: its gzip stream breaks off after \d+ bytes"):
        read_image([path])


def test_a_truncated_file_that_is_not_packed_is_named(tmp_path):
    path = write_nifti(tmp_path / "a.nii", np.zeros(SHAPE, np.int16))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"a\.nii: .*truncated"):
        read_image([path])


def test_a_packed_file_is_read_whatever_its_name_says_and_in_several_members(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 9, SHAPE).astype(np.int16)
    content = write_nifti(tmp_path / "a.nii", voxels).read_bytes()
    (tmp_path / "b.nii").write_bytes(gzip.compress(content))
    (tmp_path / "c.nii.gz").write_bytes(gzip.compress(content[:500]) + gzip.compress(content[500:]))
    (tmp_path / "d.nii.gz").write_bytes(content)
    for name in ("b.nii", "c.nii.gz", "d.nii.gz"):
        assert np.array_equal(read_image([tmp_path / name]).voxels[0], voxels)


def test_nifti_2_is_read_as_nifti_1_is(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 9, SHAPE).astype(np.int16)
    nibabel.save(nibabel.Nifti2Image(voxels, affine_of()), tmp_path / "a.nii.gz")
    image = read_image([tmp_path / "a.nii.gz"])
    assert np.array_equal(image.voxels[0], voxels)
    assert np.array_equal(image.source_grid.matrix(), affine_of())


def test_a_written_mask_is_read_by_gzip_nibabel_and_simpleitk_and_is_the_same_every_time(tmp_path):
    mask = np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)
    path = tmp_path / "mask.nii.gz"
    write_label_map(path, mask, make_grid(SHAPE, affine_of()))
    first = path.read_bytes()
    assert np.array_equal(np.asanyarray(nibabel.load(path).dataobj), mask)
    assert np.array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))).T, mask)
    assert len(gzip.decompress(first)) == 352 + mask.size
    write_label_map(path, mask, make_grid(SHAPE, affine_of()))
    assert path.read_bytes() == first


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "a.nii.gz"))
        with pytest.raises(DataError, match=r"a\.nii\.gz: cannot be opened"):
            read_image([tmp_path / "a.nii.gz"])


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "the file is empty"), (b"no image at all", "does not begin with a NIfTI header")]
)
def test_a_file_that_no_library_reads_is_named_once(tmp_path, content, why):
    path = tmp_path / "odd.nii.gz"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_image([path])
    assert str(caught.value).count("odd.nii.gz") == 1
    assert why in str(caught.value)
