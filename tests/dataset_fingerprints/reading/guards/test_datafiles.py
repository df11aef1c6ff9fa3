"""Headers of text, and the files of voxels that they name."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_grid, read_image, read_label_map
from tests.dataset_fingerprints.reading.guards.builders import replaced, sparse, write


def data_file_header(suffix, name):
    if suffix == ".mhd":
        return (
            "ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = False\nDimSize = 2 2 2\n"
            f"ElementType = MET_UCHAR\nElementDataFile = {name}\n"
        )
    return f"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: {name}\n"


@pytest.mark.parametrize("suffix", [".mhd", ".nrrd"])
@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../outside.raw",
        "below/../../outside.raw",
        "/dev/zero",
        "pipe",
        "zero",
        "none.raw",
        "folder",
        ".",
    ],
)
def test_data_files_elsewhere_and_those_that_are_none_are_refused(tmp_path, suffix, name):
    folder = tmp_path / "scan"
    (folder / "folder").mkdir(parents=True)
    (folder / "below").mkdir()
    (tmp_path / "outside.raw").write_bytes(bytes(8))
    os.mkfifo(folder / "pipe")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / f"a{suffix}").write_text(data_file_header(suffix, name))
    for read in (read_grid, read_label_map):
        with pytest.raises(DataError, match=rf"a{suffix}: keeps its voxels in '{re.escape(name)}'"):
            read(folder / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".mhd", ".nrrd"])
@pytest.mark.parametrize(
    ("name", "files"),
    [("a.raw", 1), ("below/a.raw", 1), ("s_%02d.raw 1 2 1", 2), ("LIST", 2), ("link.raw", 1)],
)
def test_data_files_beside_and_below_the_header_are_read(tmp_path, suffix, name, files):
    (tmp_path / "below").mkdir()
    voxels = np.arange(8, dtype=np.uint8)
    header = data_file_header(suffix, name)
    names = {"s_%02d.raw 1 2 1": ["s_01.raw", "s_02.raw"], "LIST": ["x.raw", "y.raw"]}.get(name, [name])
    if name == "LIST":
        header += "\n".join(names) + "\n"
    (tmp_path / f"a{suffix}").write_text(header)
    for file, part in zip(names, np.split(voxels, files), strict=True):
        (tmp_path / file).write_bytes(part.tobytes())
    if name == "link.raw":
        (tmp_path / name).rename(tmp_path / "content")
        (tmp_path / name).symlink_to("content")
    assert np.array_equal(np.sort(read_label_map(tmp_path / f"a{suffix}").voxels.ravel()), voxels)
    (tmp_path / names[-1]).write_bytes(b"1")
    with pytest.raises(DataError, match="truncated"):
        read_label_map(tmp_path / f"a{suffix}")


def test_a_data_file_may_be_called_list_and_stand_before_other_fields(tmp_path):
    (tmp_path / "list_1.raw").write_bytes(bytes(range(8)))
    (tmp_path / "a.nrrd").write_text(
        "NRRD0004\ntype: uchar\ndimension: 3\ndata file: list_1.raw\nsizes: 2 2 2\nencoding: raw\n\n"
    )
    assert sorted(read_label_map(tmp_path / "a.nrrd").voxels.ravel()) == list(range(8))


def test_an_nrrd_without_a_name_behind_its_data_file_is_refused(tmp_path):
    (tmp_path / "a.nrrd").write_text(data_file_header(".nrrd", ""))
    with pytest.raises(DataError, match=r"a\.nrrd: keeps its voxels in ''"):
        read_grid(tmp_path / "a.nrrd")


# Parts of a MetaImage's or NRRD's header that no image has.
BAD_TEXT = {
    "axes": ("a.mha", b"NDims = 3", b"NDims = -3"),
    "many axes": ("a.mha", b"NDims = 3", b"NDims = 1000"),
    "no axes": ("a.mha", b"NDims = 3", b"NDims = three"),
    "length 0": ("a.mha", b"DimSize = 7 8 9", b"DimSize = 0 8 9"),
    "negative length": ("a.mha", b"DimSize = 7 8 9", b"DimSize = -7 8 9"),
    "too few lengths": ("a.mha", b"DimSize = 7 8 9", b"DimSize = 7 8"),
    "no type": ("a.mha", b"MET_SHORT", b"MET_OTHER"),
    "no size": ("a.mha", b"CompressedDataSize", b"CompressedDataSiz_"),
    "negative spacing": ("a.mha", b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 -1 1"),
    "spacing of 0": ("a.mha", b"ElementSpacing = 1 1 1", b"ElementSpacing = 0 1 1"),
    "spacing of NaN": ("a.mha", b"ElementSpacing = 1 1 1", b"ElementSpacing = nan 1 1"),
    "huge spacing": ("a.mha", b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 1e9 1"),
    "dimension": ("a.nrrd", b"dimension: 3", b"dimension: -1"),
    "many dimensions": ("a.nrrd", b"dimension: 3", b"dimension: 17"),
    "sizes": ("a.nrrd", b"sizes: 7 8 9", b"sizes: 7 8"),
    "size 0": ("a.nrrd", b"sizes: 7 8 9", b"sizes: 7 0 9"),
    "type": ("a.nrrd", b"type: short", b"type: block"),
    "encoding": ("a.nrrd", b"encoding: gzip", b"encoding: zip"),
    "directions of 0": ("a.nrrd", b"(1,0,0) (0,1,0)", b"(0,0,0) (0,1,0)"),
    "directions of NaN": ("a.nrrd", b"(1,0,0) (0,1,0)", b"(nan,0,0) (0,1,0)"),
    "endless directions": ("a.nrrd", b"(1,0,0) (0,1,0)", b"(1e160,0,0) (0,1,0)"),
    "directions of infinity": ("a.nrrd", b"(1,0,0) (0,1,0)", b"(0,inf,0) (0,1,0)"),
    "huge directions": ("a.nrrd", b"(1,0,0) (0,1,0)", b"(1e9,0,0) (0,1,0)"),
}


@pytest.mark.parametrize("kind", BAD_TEXT)
def test_a_header_of_text_that_describes_no_image_is_refused(tmp_path, kind):
    name, old, new = BAD_TEXT[kind]
    path = replaced(write(tmp_path / name, sparse()), old, new)
    with pytest.raises(DataError, match=rf"{name}: "):
        read_image([path])
