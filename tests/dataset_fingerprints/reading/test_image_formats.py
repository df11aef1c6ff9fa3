"""Every format that SimpleITK reads, each against the same volume as NIfTI."""

from __future__ import annotations

import errno
import gzip
import resource
import struct

import nibabel
import numpy as np
import pytest
import SimpleITK

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import make_grid
from dataset_fingerprints.reading.images import (
    IMAGE_SUFFIXES,
    case_stem,
    is_image,
    read_channel_count,
    read_grid,
    read_image,
    read_label_map,
    write_label_map,
    write_map,
)
from tests.synthetic.dicom import write_series
from tests.synthetic.scans import affine_of, all_orientations, write_nifti
from tests.synthetic.volumes import as_itk

SHAPE = (5, 6, 7)
PLACED = (".nrrd", ".mha", ".mhd")
SPACING_MM = (1.0, 0.9, 2.5)


def write_itk(path, voxels, affine=None, vector=False):
    """Write (i, j, k[, channel]) voxels; without an affine as SimpleITK does by itself."""
    if affine is None:
        image = SimpleITK.GetImageFromArray(np.ascontiguousarray(voxels.T), isVector=False)
    else:
        image = as_itk(voxels, affine, vector=vector)
    SimpleITK.WriteImage(image, str(path))
    return path


def random_voxels(shape, dtype=np.int16):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


@pytest.mark.parametrize("suffix", PLACED)
@pytest.mark.parametrize(("permutation", "flips"), all_orientations()[::6] + all_orientations()[5:6])
@pytest.mark.parametrize("degrees", [0.0, 17.0])
def test_a_volume_reads_as_the_same_volume_in_nifti(tmp_path, suffix, permutation, flips, degrees):
    affine = affine_of(permutation, flips, SPACING_MM, degrees)
    voxels = random_voxels(SHAPE)
    nifti = read_image([write_nifti(tmp_path / "a.nii.gz", voxels, affine)])
    other = read_image([write_itk(tmp_path / f"b{suffix}", voxels, affine)])
    assert np.array_equal(other.voxels, nifti.voxels)
    assert other.source_grid.shape == nifti.source_grid.shape
    assert np.allclose(other.source_grid.matrix(), affine, atol=1e-9)
    # NIfTI stores the affine as float32.
    assert np.allclose(other.grid().matrix(), nifti.grid().matrix(), atol=1e-5)


def test_simpleitk_places_a_nifti_where_we_place_the_same_voxels_in_nrrd(tmp_path):
    affine = affine_of((2, 0, 1), (1, -1, 1), SPACING_MM, 17.0)
    nifti = write_nifti(tmp_path / "a.nii.gz", random_voxels(SHAPE), affine)
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(nifti)), str(tmp_path / "a.nrrd"))
    assert np.allclose(read_grid(tmp_path / "a.nrrd").matrix(), affine, atol=1e-5)
    assert np.array_equal(read_image([tmp_path / "a.nrrd"]).voxels, read_image([nifti]).voxels)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32])
@pytest.mark.parametrize(("permutation", "flips"), all_orientations()[::6])
def test_labels_come_back_on_the_exact_grid_and_type(tmp_path, suffix, dtype, permutation, flips):
    affine = affine_of(permutation, flips, SPACING_MM, 17.0)
    voxels = random_voxels(SHAPE, dtype)
    read = read_label_map(write_itk(tmp_path / "in.mha", voxels, affine))
    write_label_map(tmp_path / f"out{suffix}", read.voxels[0], read.source_grid)
    again = read_label_map(tmp_path / f"out{suffix}")
    assert again.voxels.dtype == dtype
    assert np.array_equal(again.voxels, read.voxels)
    assert np.allclose(again.source_grid.matrix(), affine, atol=1e-5)
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize("suffix", [*PLACED, ".gipl", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_the_stored_number_type_is_kept(tmp_path, suffix, dtype):
    read = read_label_map(write_itk(tmp_path / f"a{suffix}", random_voxels(SHAPE, dtype)))
    assert read.voxels.dtype == dtype
    assert read.voxels.sum() == random_voxels(SHAPE).sum()


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz"])
@pytest.mark.parametrize(("permutation", "flips"), all_orientations()[::11])
def test_a_map_comes_back_as_it_was_on_the_exact_grid(tmp_path, suffix, permutation, flips):
    scan = write_itk(tmp_path / "scan.nrrd", random_voxels(SHAPE), affine_of(permutation, flips, SPACING_MM, 17.0))
    source = read_image([scan])
    values = np.random.default_rng(1).random(source.grid().shape).astype(np.float32)
    path = tmp_path / f"map{suffix}"
    write_map(path, values, source.source_grid, source.header)
    written = read_image([path])
    assert np.array_equal(written.voxels[0], values)
    assert SimpleITK.ReadImage(str(path)).GetPixelID() == SimpleITK.sitkFloat32
    assert np.allclose(read_grid(path).matrix(), source.source_grid.matrix(), atol=1e-4)


def test_a_disk_that_takes_no_more_is_said_as_such_and_leaves_nothing(tmp_path):
    grid, values = make_grid((30, 30, 30), np.eye(4)), np.random.default_rng(2).random((30, 30, 30)).astype(np.float32)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as error:
            write_map(tmp_path / "map.mha", values, grid)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (error.value.errno, error.value.filename) == (errno.EFBIG, str(tmp_path / "map.mha"))
    assert list(tmp_path.iterdir()) == []


def test_a_gipl_file_comes_back_and_holds_no_directions(tmp_path):
    straight = np.diag([-1.0, -0.9, 2.5, 1.0])
    read = read_label_map(write_itk(tmp_path / "a.gipl", random_voxels(SHAPE), straight))
    write_label_map(tmp_path / "b.gipl", read.voxels[0], read.source_grid)
    again = read_label_map(tmp_path / "b.gipl")
    assert again.voxels.dtype == np.int16
    assert np.array_equal(again.voxels, read.voxels)
    assert np.allclose(again.source_grid.matrix(), straight, atol=1e-6)
    with pytest.raises(DataError, match=r"c\.gipl.*cannot hold this grid"):
        write_label_map(tmp_path / "c.gipl", np.zeros(SHAPE, np.uint8), make_grid(SHAPE, affine_of()))
    assert not (tmp_path / "c.gipl").exists()


@pytest.mark.parametrize("suffix", PLACED)
def test_values_per_voxel_and_a_fourth_axis_are_channels(tmp_path, suffix):
    voxels = random_voxels((*SHAPE, 3))
    vector = write_itk(tmp_path / f"v{suffix}", voxels, affine_of(), vector=True)
    series = write_itk(tmp_path / f"t{suffix}", voxels)
    assert read_channel_count(vector) == read_channel_count(series) == 3
    assert np.array_equal(read_image([vector]).voxels, np.moveaxis(voxels, -1, 0))
    # An ITK image without directions is LPS: x and y are turned to become RAS.
    assert np.array_equal(read_image([series]).voxels, np.moveaxis(voxels, -1, 0)[:, ::-1, ::-1])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp"])
def test_a_picture_is_one_slice_with_columns_along_x_and_rows_along_y(tmp_path, suffix):
    rows = random_voxels((4, 6), np.uint8)
    path = tmp_path / f"a{suffix}"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(rows), str(path))
    read = read_label_map(path)
    assert read.voxels.shape == (1, 6, 4, 1)
    assert read.voxels.dtype == np.uint8
    assert np.array_equal(read.voxels[0, :, :, 0], rows.T)
    assert np.array_equal(read.grid().matrix(), np.eye(4))
    write_label_map(tmp_path / f"b{suffix}", read.voxels[0].astype(np.int64), read.source_grid)
    written = SimpleITK.ReadImage(str(tmp_path / f"b{suffix}"))
    assert written.GetSize() == (6, 4)
    assert np.array_equal(read_label_map(tmp_path / f"b{suffix}").voxels, read.voxels)


def test_a_colour_picture_has_three_channels(tmp_path):
    colours = random_voxels((4, 6, 3), np.uint8)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(colours, isVector=True), str(tmp_path / "a.png"))
    assert read_channel_count(tmp_path / "a.png") == 3
    assert np.array_equal(read_image([tmp_path / "a.png"]).voxels[..., 0], colours.transpose(2, 1, 0))


def test_a_picture_holds_neither_large_labels_nor_a_place_in_space(tmp_path):
    flat = make_grid((5, 6, 1), np.eye(4))
    with pytest.raises(DataError, match=r"cannot hold the labels 0 to 300"):
        write_label_map(tmp_path / "a.bmp", np.full((5, 6, 1), 300), flat)
    with pytest.raises(DataError, match="cannot hold this grid"):
        write_label_map(tmp_path / "a.png", np.zeros((5, 6, 1), np.uint8), make_grid((5, 6, 1), affine_of()))
    assert list(tmp_path.iterdir()) == []


def test_mhd_and_unknown_suffixes_are_not_written(tmp_path):
    for name, advice in (("a.mhd", r"\.mha"), ("a.foo", r"\.nii\.gz")):
        with pytest.raises(DataError, match=advice):
            write_label_map(tmp_path / name, np.zeros(SHAPE, np.uint8), make_grid(SHAPE, affine_of()))


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_a_suffix_is_known_and_does_not_belong_to_the_name_of_the_case(tmp_path, suffix):
    assert is_image(tmp_path / f"sub.01{suffix}")
    assert case_stem(tmp_path / f"sub.01{suffix}") == "sub.01"


def raw_nifti(tmp_path):
    path = write_nifti(tmp_path / "raw.nii", random_voxels(SHAPE))
    return path.read_bytes()


def test_a_nifti_that_nibabel_refuses_is_read_by_simpleitk(tmp_path):
    plain = raw_nifti(tmp_path)
    (tmp_path / "unpacked.nii.gz").write_bytes(plain)
    too_long = bytearray(plain)
    struct.pack_into("<hh3f", too_long, 252, 1, 0, 0.9, 0.9, 0.9)
    (tmp_path / "quaternion.nii").write_bytes(too_long)
    for name in ("unpacked.nii.gz", "quaternion.nii"):
        with pytest.raises((ValueError, nibabel.filebasedimages.ImageFileError)):
            nibabel.load(tmp_path / name)
        assert read_image([tmp_path / name]).voxels.sum() == random_voxels(SHAPE).sum()
        assert sorted(read_grid(tmp_path / name).shape) == list(SHAPE)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-50])
        with pytest.raises(DataError, match="truncated"):
            read_image([tmp_path / name])


def test_a_nifti_of_colours_has_three_channels(tmp_path):
    voxels = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    voxels["G"] = random_voxels(SHAPE)
    nibabel.save(nibabel.Nifti1Image(voxels, affine_of()), tmp_path / "a.nii.gz")
    assert read_channel_count(tmp_path / "a.nii.gz") == 3
    assert np.array_equal(read_image([tmp_path / "a.nii.gz"]).voxels[1], voxels["G"])


def test_a_sheared_nifti_that_simpleitk_refuses_is_read_by_nibabel(tmp_path):
    affine = affine_of()
    affine[0, 1] = 0.3
    image = nibabel.Nifti1Image(random_voxels(SHAPE), affine)
    image.set_qform(None, code=0)
    nibabel.save(image, tmp_path / "a.nii")
    with pytest.raises(RuntimeError, match="orthonormal"):
        SimpleITK.ReadImage(str(tmp_path / "a.nii"))
    assert np.allclose(read_image([tmp_path / "a.nii"]).source_grid.matrix(), affine)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_file_that_neither_library_reads_names_both(tmp_path, name):
    (tmp_path / name).write_bytes(b"x" * 500)
    with pytest.raises(DataError, match=r"nibabel: .*; SimpleITK: "):
        read_image([tmp_path / name])


@pytest.mark.parametrize("kept", [50, 200, -4])
def test_a_small_truncated_gzip_is_named_and_not_read_as_noise(tmp_path, kept):
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(raw_nifti(tmp_path))[:kept])
    with pytest.raises(DataError, match="truncated"):
        read_image([tmp_path / "a.nii.gz"])


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".gipl", ".png", ".bmp"])
def test_a_truncated_file_is_refused(tmp_path, suffix):
    shape = (30, 31) if suffix in (".png", ".bmp") else (10, 11, 12)
    path = write_itk(tmp_path / f"a{suffix}", random_voxels(shape, np.uint8))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"truncated|damaged|cannot be read"):
        read_image([path])


OBLIQUE = affine_of((0, 1, 2), (-1, -1, 1), (0.8, 0.9, 2.5), 17.0)


def test_a_folder_with_one_dicom_series_is_an_image(tmp_path):
    voxels = random_voxels(SHAPE)
    write_series(tmp_path / "scan", voxels, OBLIQUE)
    read = read_image([tmp_path / "scan"])
    # DICOM stores positions as decimal strings.
    assert np.allclose(read.source_grid.matrix(), OBLIQUE, atol=1e-5)
    assert np.array_equal(read.voxels[0], voxels[::-1, ::-1])
    assert read_channel_count(tmp_path / "scan") == 1
    # Two ways of dividing the same decimal strings.
    assert np.allclose(read_grid(tmp_path / "scan").matrix(), read.source_grid.matrix(), atol=1e-9)
    assert read_grid(tmp_path / "scan").shape == read.source_grid.shape
    write_label_map(tmp_path / "mask.nii.gz", read.voxels[0].astype(np.uint8), read.source_grid)
    assert np.array_equal(read_label_map(tmp_path / "mask.nii.gz").voxels[0], voxels[::-1, ::-1])


def test_two_series_in_a_folder_are_listed(tmp_path):
    for uid in ("1.2.3.1", "1.2.3.2"):
        write_series(tmp_path / "scan", random_voxels(SHAPE), OBLIQUE, uid)
    with pytest.raises(DataError, match=r"2 DICOM series \(.*1\.2\.3\.1.*1\.2\.3\.2"):
        read_image([tmp_path / "scan"])


def test_a_series_with_a_missing_slice_is_refused(tmp_path):
    write_series(tmp_path / "scan", random_voxels(SHAPE), OBLIQUE, keep=lambda number: number != 3)
    with pytest.raises(DataError, match="evenly spaced"):
        read_image([tmp_path / "scan"])


def test_a_folder_without_dicom_is_named(tmp_path):
    with pytest.raises(DataError, match="without DICOM"):
        read_image([tmp_path])
