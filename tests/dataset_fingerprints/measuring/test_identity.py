"""Comparison of raw files: single ones, folders of slices, a header beside its voxels."""

from __future__ import annotations

import os

import numpy as np
import pytest
import SimpleITK

from dataset_fingerprints.dataset import Case
from dataset_fingerprints.files.hashes import hash_files
from dataset_fingerprints.measuring.identity import confirm, files_behind, hash_images, identify, identify_case


def write_mhd(path):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5)), str(path))
    return path


def write_slices_mhd(path, files):
    for index in range(3):
        path.with_name(f"slice_{index}.raw").write_bytes(bytes(range(4)))
    header = f"ObjectType = Image\nNDims = 3\nDimSize = 2 2 3\nElementType = MET_UCHAR\nElementDataFile = {files}\n"
    path.write_text(header)
    return path


def write_listed_mhd(path):
    return write_slices_mhd(path, "LIST\nslice_0.raw\nslice_1.raw\nslice_2.raw")


def write_numbered_mhd(path):
    return write_slices_mhd(path, "slice_%d.raw 0 2 1")


def write_detached_nrrd(path):
    path.with_name("voxels.raw").write_bytes(bytes(range(8)))
    header = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: voxels.raw\n"
    path.write_text(header)
    return path


def write_folder(path):
    path.mkdir()
    for index in range(3):
        (path / f"{index}.dcm").write_bytes(b"slice %d" % index)
    return path


def case_of(image):
    return Case(name="a", images=(str(image),), label=str(image), subject="a")


def test_an_mhd_is_its_header_and_its_voxels(tmp_path):
    path = write_mhd(tmp_path / "a.mhd")
    assert files_behind(path) == (path, tmp_path / "a.raw")
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(path)), str(tmp_path / "b.mha"))
    assert files_behind(tmp_path / "b.mha") == (tmp_path / "b.mha",)


@pytest.mark.parametrize(
    ("write", "name", "inner"),
    [
        (write_mhd, "a.mhd", "a.raw"),
        (write_listed_mhd, "a.mhd", "slice_1.raw"),
        (write_numbered_mhd, "a.mhd", "slice_2.raw"),
        (write_detached_nrrd, "a.nrrd", "voxels.raw"),
        (write_folder, "series", "series/1.dcm"),
    ],
)
def test_a_change_in_any_file_behind_an_image_is_seen(tmp_path, write, name, inner):
    case = case_of(write(tmp_path / name))
    identities = identify_case(case)
    assert confirm(case, identities) == identities
    os.utime(tmp_path / inner, ns=(1, 2**60))
    touched = confirm(case, identities)
    assert touched is not None
    assert touched[0].mtime_ns != identities[0].mtime_ns
    assert touched[0].sha256 == identities[0].sha256
    content = bytearray((tmp_path / inner).read_bytes())
    content[0] ^= 1
    (tmp_path / inner).write_bytes(content)
    assert confirm(case, identities) is None
    (tmp_path / inner).unlink()
    assert confirm(case, identities) is None


def test_a_copied_series_with_other_file_names_has_the_same_content(tmp_path):
    first = write_folder(tmp_path / "a")
    (tmp_path / "b").mkdir()
    for index, file in enumerate(sorted(first.iterdir())):
        (tmp_path / "b" / f"{9 - index}.dcm").write_bytes(file.read_bytes())
    assert identify(first).sha256 == identify(tmp_path / "b").sha256


def test_a_file_that_is_gone_or_a_channel_more_is_a_change(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"anything")
    identities = identify_case(case_of(path))
    more = Case(name="a", images=(str(path), str(path)), label=str(path), subject="a")
    assert confirm(more, identities) is None
    path.unlink()
    assert confirm(case_of(path), identities) is None


def test_the_hash_of_images_covers_every_file_of_a_series_and_is_that_of_the_file_for_a_single_one(tmp_path):
    series, single = write_folder(tmp_path / "series"), tmp_path / "a.nii.gz"
    single.write_bytes(b"anything")
    assert hash_images([single]) == hash_files([single])
    before = hash_images([single, series])
    (series / "2.dcm").write_bytes(b"another slice")
    assert hash_images([single, series]) != before
