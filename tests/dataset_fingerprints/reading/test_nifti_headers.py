"""What a NIfTI's header says is meant: units, codes, both affines, axes, scaling; what cannot be meant is refused."""

from __future__ import annotations

import gzip
import struct

import nibabel
import numpy as np
import pytest
import SimpleITK

from dataset_fingerprints.checking.headers import check_headers
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.measuring.scans import read_scan
from dataset_fingerprints.reading.images import (
    read_channel_count,
    read_grid,
    read_image,
    read_label_map,
    write_label_map,
)
from tests.synthetic.scans import affine_of, head, write_nifti
from tests.synthetic.volumes import as_itk

SHAPE = (24, 28, 20)
SPACING_MM = (0.9, 1.0, 2.5)
# Where fields of a NIfTI-1 lie: their first byte.
DIM, DATATYPE, PIXDIM, SCALING, QFORM_CODE, SFORM_CODE, QUATERNION, ROWS = 40, 70, 76, 112, 252, 254, 256, 280


def save(path, voxels, affine, unit="mm", codes=(1, 1), kind=nibabel.Nifti1Image):
    image = kind(voxels, affine)
    image.header.set_xyzt_units(unit)
    image.set_sform(affine, code=codes[1])
    image.set_qform(affine, code=codes[0])
    nibabel.save(image, path)
    return path


def patched(path, layout, start, *values):
    """Change a field of a file's header."""
    packed = path.name.endswith(".gz")
    content = bytearray(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    struct.pack_into(f"<{layout}", content, start, *values)
    path.write_bytes(gzip.compress(bytes(content)) if packed else bytes(content))
    return path


def in_unit(per_mm):
    affine = affine_of(spacing_mm=SPACING_MM, rotation_degrees=20)
    affine[:3] *= per_mm
    return affine


UNITS = [("meter", 0.001), ("mm", 1.0), ("micron", 1000.0), ("unknown", 1.0)]


@pytest.mark.parametrize(("unit", "per_mm"), UNITS)
@pytest.mark.parametrize("codes", [(1, 1), (1, 0), (0, 2)])
def test_lengths_become_millimetres_and_a_conversion_is_reported(tmp_path, unit, per_mm, codes):
    path = save(tmp_path / "a.nii.gz", head(0)[0], in_unit(per_mm), unit, codes)
    image = read_image([path])
    # Headers are float32.
    assert np.allclose(image.source_grid.matrix(), in_unit(1), atol=1e-4)
    assert read_grid(path) == image.source_grid
    findings = check_headers("a", {"the scan": image.header})
    assert [(finding.grade, finding.kind) for finding in findings] == [("warning", "unit")] * (per_mm != 1)
    if findings:
        assert "0.9x1x2.5 mm" in findings[0].message


@pytest.mark.parametrize(("unit", "per_mm"), UNITS)
@pytest.mark.parametrize("codes", [(1, 1), (2, 4), (1, 0), (0, 2), (0, 0)])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_mask_keeps_the_units_the_codes_and_both_affines_of_its_scan(tmp_path, unit, per_mm, codes, kind):
    path = save(tmp_path / "a.nii.gz", head(0)[0], in_unit(per_mm), unit, codes, kind)
    scan = read_scan("a", [path], ("T1w",))
    labels = np.random.default_rng(0).integers(0, 3, scan.canonical_shape()).astype(np.uint8)
    write_label_map(tmp_path / "m.nii.gz", labels, scan.source_grid, scan.header)
    theirs, ours = nibabel.load(path).header, nibabel.load(tmp_path / "m.nii.gz").header
    for field in ("xyzt_units", "qform_code", "sform_code", "quatern_b", "qoffset_x", "srow_x", "srow_z"):
        assert np.array_equal(ours[field], theirs[field].astype(ours[field].dtype)), field
    assert np.array_equal(ours["pixdim"][:4], theirs["pixdim"][:4].astype(np.float32))
    again = read_label_map(tmp_path / "m.nii.gz")
    # NIfTI-2 is of doubles.
    assert np.allclose(again.source_grid.matrix(), scan.source_grid.matrix(), atol=1e-5)
    assert np.array_equal(again.voxels[0], labels)
    if kind is nibabel.Nifti2Image:
        return  # SimpleITK reads none
    assert again.source_grid == scan.source_grid
    placed = [SimpleITK.ReadImage(str(tmp_path / name)) for name in ("a.nii.gz", "m.nii.gz")]
    assert placed[0].GetSpacing() == placed[1].GetSpacing()
    assert placed[0].GetOrigin() == placed[1].GetOrigin()


def test_both_affines_of_a_scan_stay_apart_in_its_mask(tmp_path):
    image = nibabel.Nifti1Image(head(0)[0], in_unit(1))
    moved = in_unit(1)
    moved[0, 3] += 8
    image.set_qform(moved, code=1)
    image.set_sform(in_unit(1), code=2)
    nibabel.save(image, tmp_path / "a.nii.gz")
    scan = read_scan("a", [tmp_path / "a.nii.gz"], ("T1w",))
    write_label_map(tmp_path / "m.nii.gz", np.zeros(scan.canonical_shape(), np.uint8), scan.source_grid, scan.header)
    scans_image, mask = nibabel.load(tmp_path / "a.nii.gz"), nibabel.load(tmp_path / "m.nii.gz")
    assert np.array_equal(mask.get_qform(), scans_image.get_qform())
    assert np.array_equal(mask.affine, scans_image.affine)


def test_the_mask_of_a_straightened_scan_in_micrometres_lies_on_the_straight_grid(tmp_path):
    affine = in_unit(1000.0)
    affine[:3, 1] += affine[:3, 0] * 0.001
    scan = read_scan("a", [save(tmp_path / "a.nii", head(0)[0], affine, "micron", (0, 2))], ("T1w",))
    write_label_map(tmp_path / "m.nii", np.zeros(scan.canonical_shape(), np.uint8), scan.source_grid, scan.header)
    mask = nibabel.load(tmp_path / "m.nii")
    assert mask.header.get_xyzt_units()[0] == "micron"
    # Headers are float32.
    assert np.allclose(read_grid(tmp_path / "m.nii").matrix(), scan.source_grid.matrix(), atol=1e-4)


def test_metres_that_are_meant_as_millimetres_are_refused(tmp_path):
    path = save(tmp_path / "a.nii.gz", head(0)[0], affine_of(), "meter")
    with pytest.raises(DataError, match=r"a\.nii\.gz: .*(metres|1000 mm)"):
        read_image([path])
    path = save(tmp_path / "b.nii.gz", head(0)[0], affine_of(spacing_mm=(0.5, 0.5, 0.5)), "meter")
    with pytest.raises(DataError, match=r"b\.nii\.gz: .*metres.*enter the right voxel size"):
        read_image([path])


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.mha", "a.nrrd", "a.mhd"])
@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".nrrd"])
def test_a_scan_of_two_axes_gets_a_mask_of_two_axes(tmp_path, name, suffix):
    flat = head(0)[0][:, :, 10]
    if ".nii" in name:
        save(tmp_path / name, flat, np.diag([2.0, 2.0, 1.0, 1.0]))
    else:
        image = SimpleITK.GetImageFromArray(flat.T.copy())
        image.SetSpacing((2.0, 2.0))
        SimpleITK.WriteImage(image, str(tmp_path / name))
    scan = read_scan("a", [tmp_path / name], ("T1w",))
    labels = np.random.default_rng(0).integers(0, 3, scan.canonical_shape()).astype(np.uint8)
    write_label_map(tmp_path / f"m{suffix}", labels, scan.source_grid, scan.header)
    written = SimpleITK.ReadImage(str(tmp_path / f"m{suffix}"))
    assert written.GetSize() == (24, 28)
    assert np.allclose(written.GetSpacing(), (2, 2))
    again = read_label_map(tmp_path / f"m{suffix}")
    assert np.allclose(again.source_grid.matrix(), scan.source_grid.matrix(), atol=1e-5)
    assert np.array_equal(again.voxels[0], labels)


@pytest.mark.parametrize("shape", [(*SHAPE, 1), (*SHAPE, 1, 1)])
def test_a_scan_of_more_axes_gets_a_mask_of_three(tmp_path, shape):
    path = save(tmp_path / "a.nii.gz", head(0)[0].reshape(shape), affine_of())
    scan = read_scan("a", [path], ("T1w",))
    write_label_map(tmp_path / "m.nii.gz", np.zeros(SHAPE, np.uint8), scan.source_grid, scan.header)
    assert nibabel.load(tmp_path / "m.nii.gz").shape == SHAPE


def test_a_vector_image_of_simpleitk_holds_channels_on_its_fifth_axis(tmp_path):
    voxels = np.random.default_rng(0).normal(size=(*SHAPE, 2)).astype(np.float32)
    path = tmp_path / "a.nii.gz"
    SimpleITK.WriteImage(as_itk(voxels, affine_of(), vector=True), str(path))
    assert nibabel.load(path).shape == (*SHAPE, 1, 2)
    assert read_channel_count(path) == 2
    assert np.array_equal(read_image([path]).voxels, np.moveaxis(voxels, -1, 0))


@pytest.mark.parametrize("more", [(3, 2), (3, 1, 2), (1, 2, 2), (1, 1, 2)])
def test_axes_of_time_beside_channels_are_refused(tmp_path, more):
    path = write_nifti(tmp_path / "a.nii.gz", np.zeros((5, 6, 7, *more), np.uint8))
    with pytest.raises(DataError, match=r"a\.nii\.gz: has \d axes.*one axis of channels"):
        read_image([path])


@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
def test_complex_voxels_are_refused_with_advice(tmp_path, kind):
    path = write_nifti(tmp_path / "a.nii.gz", (head(0)[0] * np.exp(2j)).astype(kind))
    for read in (read_channel_count, read_label_map, lambda file: read_image([file])):
        with pytest.raises(DataError, match=r"a\.nii\.gz: .*complex.*magnitude"):
            read(path)


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
def test_complex_voxels_of_other_formats_are_never_read_as_their_real_part(tmp_path, suffix, kind):
    voxels = (head(0)[0] * np.exp(2j)).astype(kind)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels), str(tmp_path / f"a{suffix}"))
    with pytest.raises(DataError, match=rf"a\{suffix}: "):
        read_label_map(tmp_path / f"a{suffix}")
    if suffix == ".mha":
        # MetaImage has no complex numbers: it holds two values per voxel.
        assert read_channel_count(tmp_path / "a.mha") == 2
    else:
        with pytest.raises(DataError, match=r"a\.nrrd: .*complex.*magnitude"):
            read_image([tmp_path / "a.nrrd"])


NAN, INF = float("nan"), float("inf")
# What is changed in a sound header, whether there is an sform, and what the message says.
BAD_HEADERS = {
    "dim-0": (("h", DIM + 2, 0), True, "voxels"),
    "dim-negative": (("h", DIM + 2, -4), True, ""),
    "ndim-0": (("h", DIM, 0), True, ""),
    "ndim-9": (("h", DIM, 9), True, ""),
    "ndim-negative": (("h", DIM, -3), True, ""),
    "pixdim-0": (("f", PIXDIM + 4, 0.0), False, "Expected positive"),
    "pixdim-negative": (("f", PIXDIM + 8, -1.0), False, "Expected positive"),
    "pixdim-nan": (("f", PIXDIM + 12, NAN), False, "Expected positive"),
    "pixdim-inf": (("f", PIXDIM + 4, INF), False, "not usable"),
    "pixdim-huge": (("f", PIXDIM + 4, 2000.0), False, "not usable"),
    "pixdim-tiny": (("f", PIXDIM + 4, 1e-6), False, "not usable"),
    "offset-nan": (("f", QUATERNION + 12, NAN), False, "not usable"),
    "sform-nan": (("f", ROWS, NAN), True, "not usable"),
    "sform-inf": (("f", ROWS + 12, INF), True, "not usable"),
    "sform-huge": (("f", ROWS, 3e38), True, "not usable"),
    "sform-0": (("12f", ROWS, *[0.0] * 12), True, "not usable"),
    "sform-singular": (("12f", ROWS, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0), True, "same direction"),
    "sform-column-0": (("12f", ROWS, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0), True, "not usable"),
    "slope-inf": (("2f", SCALING, INF, 0.0), True, "scl_slope"),
    "intercept-nan": (("2f", SCALING, 2.0, NAN), True, "scl_slope"),
    "vox-offset-nan": (("f", 108, NAN), True, ""),
    "vox-offset-negative": (("f", 108, -400.0), True, "voxels begin at byte -400"),
    "vox-offset-0": (("f", 108, 0.0), True, "voxels begin at byte 0"),
    "magic-of-a-pair": (("4s", 344, b"ni1"), True, "lie in a file beside it"),
    "vox-offset-huge": (("f", 108, 1e30), True, ""),
    "datatype-unknown": (("h", DATATYPE, 3333), True, ""),
    "float128": (("hh", DATATYPE, 1536, 128), True, ""),
    "complex256": (("hh", DATATYPE, 2048, 256), True, ""),
    "datatype-0": (("h", DATATYPE, 0), True, ""),
}


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", BAD_HEADERS)
def test_a_header_that_describes_no_image_is_refused_by_name_and_without_a_warning(tmp_path, name, kind, capfd):
    change, sform, words = BAD_HEADERS[kind]
    path = save(tmp_path / name, head(0)[0], affine_of(), codes=(1, 1 if sform else 0))
    patched(path, *change)
    with pytest.raises(DataError, match=rf"{name}: .*{words}"):
        read_image([path])
    assert "pixdim" not in capfd.readouterr().err


@pytest.mark.parametrize("sizes", [(0, 1, 1), (-1, 1, 1), (1, 1, 3), (NAN, 1, 1)])
def test_voxel_sizes_that_contradict_the_sform_are_reported(tmp_path, sizes):
    path = patched(save(tmp_path / "a.nii", head(0)[0], affine_of(), codes=(0, 1)), "3f", PIXDIM + 4, *sizes)
    image = read_image([path])
    assert np.allclose(image.source_grid.matrix(), affine_of(), atol=1e-6)
    (finding,) = check_headers("a", {"the scan": image.header})
    assert (finding.grade, finding.kind) == ("warning", "voxel-size")


@pytest.mark.parametrize("slope", [0.0, NAN, 1.0])
def test_a_slope_of_0_or_nan_scales_nothing(tmp_path, slope):
    path = write_nifti(tmp_path / "a.nii.gz", np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    patched(path, "2f", SCALING, slope, 0.0)
    assert np.array_equal(read_image([path]).voxels[0].ravel(), np.arange(24))
    assert read_label_map(path).voxels.dtype == np.int16


KINDS = ("u1", "i1", "<i2", ">i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", ">f4", "<f8")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scaling", [(1.0, 0.0), (0.37, -5.5), (1e-3, 0.0), (2.0, 1e6)])
def test_voxels_are_those_of_nibabel_bit_by_bit(tmp_path, kind, scaling):
    voxels = np.random.default_rng(0).integers(0, 100, (5, 6, 7, 2)).astype(kind)
    header = nibabel.Nifti1Header(endianness=">" if ">" in kind else "<")
    header.set_data_dtype(voxels.dtype)
    path = tmp_path / "a.nii.gz"
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4), header), path)
    if ">" not in kind:
        patched(path, "2f", SCALING, *scaling)
    theirs = nibabel.load(path)
    assert np.array_equal(read_image([path]).voxels, np.moveaxis(theirs.get_fdata(dtype=np.float32), -1, 0))
    path = write_nifti(tmp_path / "b.nii", voxels[..., 0].astype(kind))
    ours = read_label_map(path).voxels
    theirs = np.asanyarray(nibabel.load(path).dataobj)
    assert ours.dtype == theirs.dtype
    assert np.array_equal(ours[0], theirs)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("u8", 2**53 + 1), ("u8", 2**64 - 1), ("i8", -(2**40)), ("u4", 3_000_000_000), ("f8", 3e9), ("f4", -1e20)],
)
def test_labels_beyond_32_bits_are_refused(tmp_path, kind, value):
    labels = np.zeros((5, 6, 7), kind)
    labels[2, 2, 2] = value
    path = write_nifti(tmp_path / "a.nii.gz", labels)
    with pytest.raises(DataError, match=r"a\.nii\.gz: holds values from .*number them from 1"):
        read_label_map(path)
    if labels.dtype.kind in "iu":
        with pytest.raises(DataError, match=r"m\.nrrd: holds values"):
            write_label_map(tmp_path / "m.nrrd", labels, read_grid(path))
        assert not (tmp_path / "m.nrrd").exists()


def test_labels_of_64_bits_that_fit_into_32_are_read(tmp_path):
    labels = np.full((5, 6, 7), 2**31 - 1, np.int64)
    assert np.array_equal(read_label_map(write_nifti(tmp_path / "a.nii.gz", labels)).voxels[0], labels)


def test_an_axis_too_long_for_nifti_1_is_written_as_nifti_2(tmp_path):
    voxels = np.zeros((40_000, 2, 2), np.uint8)
    nibabel.save(nibabel.Nifti2Image(voxels, np.diag([0.01, 1, 1, 1])), tmp_path / "a.nii.gz")
    grid = read_grid(tmp_path / "a.nii.gz")
    write_label_map(tmp_path / "m.nii.gz", voxels, grid)
    assert nibabel.load(tmp_path / "m.nii.gz").shape == (40_000, 2, 2)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", ["an Analyze image", "a magic that was overwritten"])
def test_an_analyze_header_under_a_niftis_name_is_refused(tmp_path, name, kind):
    path = save(tmp_path / name, head(0)[0], affine_of())
    content = bytearray(gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes())
    content[344:348] = bytes(4) if kind.startswith("an") else b"xxxx"
    path.write_bytes(gzip.compress(bytes(content)) if name.endswith(".gz") else bytes(content))
    for read in (read_grid, read_label_map):
        with pytest.raises(DataError, match=rf"{name}: is an Analyze 7\.5 image, whose header does not say which side"):
            read(path)
