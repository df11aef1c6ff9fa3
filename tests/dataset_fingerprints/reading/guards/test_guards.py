"""Files that lie about their voxels, lead elsewhere, or crash a library: refused in one message, or read right."""

from __future__ import annotations

import gzip
import os
import re
import resource
import struct
import subprocess
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from isal import igzip

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_grid, read_image, read_label_map
from tests.synthetic.scans import write_nifti

SHAPE = (7, 8, 9)


def sparse(shape=SHAPE, kind=np.int16):
    """Return voxels that pack well, as scans do."""
    voxels = np.zeros(shape, kind)
    inner = tuple(slice(1, -2) for _ in shape)
    voxels[inner] = np.random.default_rng(0).integers(1, 200, voxels[inner].shape)
    return voxels


def write(path, voxels, packed=True, packing=None):
    """Write (i, j[, k]) voxels by SimpleITK."""
    writer = SimpleITK.ImageFileWriter()
    writer.SetFileName(str(path))
    writer.SetUseCompression(packed)
    if packing:
        writer.SetCompressor(packing)
    writer.Execute(SimpleITK.GetImageFromArray(np.ascontiguousarray(voxels.T)))
    return path


def replaced(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


@contextmanager
def memory_left(size_bytes):
    """Let this process take only so much more memory."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


# Files whose payload has a checksum: name, voxels, how they are packed, and where the payload begins.
CHECKED = {
    "nii.gz": ("a.nii.gz", SHAPE, None, lambda content: 0),
    "mha": ("a.mha", SHAPE, None, lambda content: content.index(b"LOCAL\n") + 6),
    "nrrd": ("a.nrrd", SHAPE, None, lambda content: content.index(b"\n\n") + 2),
    "png": ("a.png", (30, 20), None, lambda content: 33),
}


@pytest.mark.parametrize("kind", CHECKED)
def test_a_flipped_bit_in_packed_voxels_is_refused_or_changes_nothing(tmp_path, kind):
    name, shape, packing, begin = CHECKED[kind]
    path = write(tmp_path / name, sparse(shape, np.uint8 if kind == "png" else np.int16), packing=packing)
    content, sound = path.read_bytes(), read_label_map(path).voxels
    start = begin(content)
    bits = range(start * 8, len(content) * 8, (len(content) - start) * 8 // 200 | 1)
    refused = 0
    for bit in bits:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            assert np.array_equal(read_label_map(path).voxels, sound), bit
        except DataError as error:
            assert name in str(error)  # noqa: PT017
            refused += 1
    # Some bits of a gzip header mean nothing.
    assert refused > 0.8 * len(bits)


def test_a_flipped_bit_in_a_deflated_tiff_is_refused_or_changes_nothing(tmp_path):
    path = write(tmp_path / "a.tif", sparse((7, 8, 3)), packing="Deflate")
    content, sound = path.read_bytes(), read_label_map(path).voxels
    for start in (match.start() for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", content)):
        for bit in range(start * 8 + 16, start * 8 + 100, 7):
            damaged = bytearray(content)
            damaged[bit // 8] ^= 1 << bit % 8
            path.write_bytes(damaged)
            try:
                assert np.array_equal(read_label_map(path).voxels, sound), bit
            except DataError as error:
                assert "a.tif" in str(error)  # noqa: PT017


ALL = ("a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.gipl", "a.png", "a.bmp", "a.tif")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9, -1])
def test_a_file_that_breaks_off_anywhere_is_refused(tmp_path, name, packed, kept):
    flat = name.endswith((".png", ".bmp"))
    path = write(tmp_path / name, sparse((30, 20) if flat else SHAPE, np.uint8), packed=packed)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept > 0 else kept])
    with pytest.raises(DataError, match=re.escape(name)):
        read_image([path])


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.gipl"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_header_of_fewer_slices_than_there_are_is_refused(tmp_path, name, packed):
    path = write(tmp_path / name, sparse(), packed=packed)
    changes = {
        ".nrrd": (b"sizes: 7 8 9", b"sizes: 7 8 5"),
        ".mha": (b"DimSize = 7 8 9", b"DimSize = 7 8 5"),
        ".gipl": (struct.pack(">3H", 7, 8, 9), struct.pack(">3H", 7, 8, 5)),
        ".nii": (struct.pack("<4h", 3, 7, 8, 9), struct.pack("<4h", 3, 7, 8, 5)),
    }
    if name.endswith(".gz"):
        path.write_bytes(gzip.decompress(path.read_bytes()))
        replaced(path, *changes[".nii"])
        path.write_bytes(gzip.compress(path.read_bytes()))
    else:
        replaced(path, *changes[path.suffix])
    with pytest.raises(DataError, match=rf"{re.escape(name)}: holds .*more than"):
        read_image([path])


@pytest.mark.parametrize("name", ["a.nii", "a.nrrd", "a.mha"])
def test_a_few_bytes_after_the_voxels_are_padding(tmp_path, name):
    path = write(tmp_path / name, sparse(), packed=False)
    sound = read_image([path]).voxels
    path.write_bytes(path.read_bytes() + bytes(50))
    assert np.array_equal(read_image([path]).voxels, sound)


# A header that declares far more than the file holds: what is changed into what.
LIES = {
    "a.nii": (struct.pack("<4h", 3, 7, 8, 9), struct.pack("<4h", 3, 32767, 32767, 32767)),
    "a.nrrd": (b"sizes: 7 8 9", b"sizes: 70000 80000 90000"),
    "a.mha": (b"DimSize = 7 8 9", b"DimSize = 70000 80000 90000"),
    "a.gipl": (struct.pack(">3H", 7, 8, 9), struct.pack(">3H", 60000, 60000, 60000)),
    "a.png": (struct.pack(">2I", 7, 8), struct.pack(">2I", 700_000, 800_000)),
    "a.bmp": (struct.pack("<2i", 7, 8), struct.pack("<2i", 700_000, 800_000)),
    "a.tif": (struct.pack("<HHI2H", 256, 3, 1, 7, 0), struct.pack("<HHII", 256, 4, 1, 700_000_000)),
}


@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize("packed", [True, False])
def test_a_file_that_declares_more_than_it_holds_is_refused_before_memory_is_taken(tmp_path, name, packed):
    flat = name.endswith((".png", ".bmp"))
    path = write(tmp_path / name, sparse((7, 8) if flat else SHAPE, np.uint8), packed=packed)
    replaced(path, *LIES[name])
    with memory_left(1 << 28), pytest.raises(DataError, match=re.escape(name)):
        read_image([path])


def nifti_bytes(folder, shape, held):
    """Return a NIfTI that declares uint8 voxels of a shape and holds some."""
    image = write_nifti(folder / "small.nii", np.zeros((1, 1, 1), np.uint8)).read_bytes()
    header = bytearray(image[:352])
    struct.pack_into("<4h", header, 40, 3, *shape)
    return bytes(header) + held


def test_a_packed_file_takes_the_memory_of_what_it_holds_and_not_of_what_it_declares(tmp_path):
    path = tmp_path / "a.nii.gz"
    noise = np.random.default_rng(0).bytes(1 << 20)
    path.write_bytes(gzip.compress(nifti_bytes(tmp_path, (1000, 1000, 500), noise), 1))
    # Half a GB is declared and 1 MB is there; a child tells its own peak.
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from dataset_fingerprints.errors import DataError\n"
        "from dataset_fingerprints.reading.images import read_label_map\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_label_map(Path(sys.argv[1]))\n"
        "except DataError as error: print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    message, grown_kb = done.stdout.strip().splitlines()
    assert "a.nii.gz: is truncated: 1048576 of the 500000000 bytes" in message
    assert int(grown_kb) < 100_000


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.nrrd", "a.mha"])
def test_a_file_that_really_unpacks_to_more_than_the_free_memory_is_refused(tmp_path, name):
    size = 500 * 500 * 1000
    path = tmp_path / name
    header = {
        ".nrrd": b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 500 500 1000\nencoding: gzip\n\n",
        ".mha": b"NDims = 3\nBinaryData = True\nCompressedData = True\nCompressedDataSize = %d\n"
        b"DimSize = 500 500 1000\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n",
    }
    if ".nii" in name:
        with igzip.open(path, "wb") if name.endswith(".gz") else path.open("wb") as stream:
            stream.write(nifti_bytes(tmp_path, (500, 500, 1000), b""))
            for _ in range(100):
                stream.write(bytes(size // 100))
    elif name == "a.nrrd":
        path.write_bytes(header[".nrrd"] + igzip.compress(bytes(size)))
    else:
        packed = zlib.compress(bytes(size), 1)
        path.write_bytes(header[".mha"] % len(packed) + packed)
    assert read_grid(path).shape == (500, 500, 1000)
    with memory_left(1 << 29), pytest.raises(DataError, match=rf"{name}: reading it takes .* GiB are free"):
        read_image([path])


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


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".mha", ".mhd", ".nrrd", ".gipl", ".png", ".tif", ".bmp"])
@pytest.mark.parametrize("kind", ["pipe", "zero", "null"])
def test_pipes_and_devices_are_refused_and_not_waited_for(tmp_path, suffix, kind):
    path = tmp_path / f"a{suffix}"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(f"/dev/{kind}")
    for read in (read_grid, read_label_map):
        with pytest.raises(DataError, match=rf"a{re.escape(suffix)}: cannot be opened"):
            read(path)


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".nrrd", ".png", ".tif"])
def test_a_name_that_is_not_utf_8_is_refused_and_shown_escaped(tmp_path, suffix):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/scan\xff\xfe" + suffix.encode()))
    write(tmp_path / f"a{suffix}", sparse((7, 8), np.uint8)).rename(path)
    with pytest.raises(DataError, match=r"scan\\xff\\xfe.*Rename it") as caught:
        read_image([path])
    str(caught.value).encode("utf-8")


LONG = 1200
# Lines that crash the library behind ITK, and those of any length that it reads.
NRRD_LINES = {
    "nonsense": (b"garbage" * 300, False),
    "unknown field": (b"foo: " + b"q" * LONG, False),
    "units": (b"space units: " + b'"mm" ' * 400, False),
    "kinds": (b"kinds: " + b"domain " * 300, False),
    "frame": (b"measurement frame: " + b"(" * LONG, False),
    "data file": (b"data file: " + b"x" * LONG, False),
    "comment": (b"# " + b"x" * 70_000, True),
    "key and value": (b"key:=" + b"x" * 70_000, True),
    "content": (b"content: " + b"x" * 70_000, True),
}


@pytest.mark.parametrize("kind", NRRD_LINES)
def test_long_lines_of_an_nrrd_are_refused_where_they_are_fields(tmp_path, kind):
    line, readable = NRRD_LINES[kind]
    path = write(tmp_path / "a.nrrd", sparse(), packed=False)
    replaced(path, b"\nencoding: raw\n", b"\nencoding: raw\n" + line + b"\n")
    if readable:
        assert read_image([path]).voxels.sum() == sparse().sum()
        return
    with pytest.raises(DataError, match=r"a\.nrrd: "):
        read_image([path])


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


def page_links(content):
    """Return where a TIFF keeps the place of each page, the first included."""
    links, place = [4], struct.unpack_from("<I", content, 4)[0]
    while place:
        link = place + 2 + 12 * struct.unpack_from("<H", content, place)[0]
        links.append(link)
        place = struct.unpack_from("<I", content, link)[0]
    return links


@pytest.mark.parametrize(
    ("packing", "length"), [(None, 7), ("Deflate", 7), ("LZW", 7), ("PackBits", 7)], ids=lambda value: str(value)
)
def test_a_sound_stack_of_pages_is_read_in_every_packing(tmp_path, packing, length):
    voxels = sparse((length, 8, 6))
    path = write(tmp_path / "a.tif", voxels, packed=packing is not None, packing=packing)
    assert np.array_equal(read_label_map(path).voxels[0], voxels)


def test_pages_in_a_circle_cut_pages_and_pages_of_other_sizes_are_refused(tmp_path):
    path = write(tmp_path / "a.tif", sparse((7, 8, 6)), packed=False)
    content = path.read_bytes()
    links = page_links(content)
    first = struct.unpack_from("<I", content, 4)[0]
    circle, outside, wide = (bytearray(content) for _ in range(3))
    struct.pack_into("<I", circle, links[-1], first)
    struct.pack_into("<I", outside, links[3], len(content) + 100)
    third = struct.unpack_from("<I", content, links[2])[0]
    width = content.index(struct.pack("<HHIH", 256, 3, 1, 7), third)
    struct.pack_into("<H", wide, width + 8, 5)
    for damaged, words in ((circle, "circle"), (outside, "truncated"), (wide, "different sizes"), (b"II*\0", "")):
        path.write_bytes(damaged)
        for read in (read_grid, read_image):
            with pytest.raises(DataError, match=rf"a\.tif: .*{words}"):
                read(path if read is read_grid else [path])


def test_no_flipped_bit_of_a_tiff_ends_the_process(tmp_path):
    path = write(tmp_path / "a.tif", sparse((7, 8, 3)), packed=False)
    content = path.read_bytes()
    for bit in range(3, len(content) * 8, 43):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            read_label_map(path)
        except DataError as error:
            assert "a.tif" in str(error)  # noqa: PT017


@pytest.mark.parametrize("packed", [True, False])
def test_a_nifti_of_colours_that_declares_more_than_it_holds_is_refused(tmp_path, packed):
    voxels = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    content = bytearray(write_nifti(tmp_path / "a.nii", voxels).read_bytes())
    path = tmp_path / "b.nii.gz"
    for lengths in ((7, 8, 30), (700, 800, 900), (30_000, 30_000, 30_000)):
        struct.pack_into("<3h", content, 42, *lengths)
        path.write_bytes(gzip.compress(bytes(content)) if packed else bytes(content))
        with memory_left(1 << 28), pytest.raises(DataError, match=r"b\.nii\.gz"):
            read_image([path])
