"""TIFF files: pages that are damaged are refused, sound ones are read in every packing."""

from __future__ import annotations

import re
import struct

import numpy as np
import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_grid, read_image, read_label_map
from tests.dataset_fingerprints.reading.guards.builders import refuses_flip, sparse, write


def test_a_flipped_bit_in_a_deflated_tiff_is_refused_or_changes_nothing(tmp_path):
    path = write(tmp_path / "a.tif", sparse((7, 8, 3)), packing="Deflate")
    content, sound = path.read_bytes(), read_label_map(path).voxels
    for start in (match.start() for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", content)):
        for bit in range(start * 8 + 16, start * 8 + 100, 7):
            refuses_flip(path, content, bit, sound)


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
