"""Files that hold more, less or other voxels than their headers say: refused in one message, or read right."""

from __future__ import annotations

import gzip
import re
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from isal import igzip

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_grid, read_image, read_label_map
from tests.dataset_fingerprints.reading.guards.builders import SHAPE, memory_left, refuses_flip, replaced, sparse, write
from tests.synthetic.scans import write_nifti

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
    refused = sum(refuses_flip(path, content, bit, sound) for bit in bits)
    # Some bits of a gzip header mean nothing.
    assert refused > 0.8 * len(bits)


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
