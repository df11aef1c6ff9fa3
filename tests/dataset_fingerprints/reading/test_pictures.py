"""Every kind of pixel that a picture can have: as a scan and as a label map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_channel_count, read_channels, read_grid, read_label_map

VALUES = np.zeros((6, 8), np.uint8)
VALUES[2:4, 2:5], VALUES[4, 4] = 1, 2
GREY = Image.fromarray(VALUES)
COLOURS = [0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 759
RAMP = [level for level in range(256) for _ in range(3)]


def indexed(palette: list[int]) -> Image.Image:
    picture = Image.frombytes("P", (8, 6), VALUES.tobytes())
    picture.putpalette(palette)
    return picture


def with_alpha(mode: str, alpha: int = 255) -> Image.Image:
    picture = GREY.convert(mode)
    picture.putalpha(alpha)
    return picture


# kind -> file, picture, options of saving, channels of a scan
KINDS = {
    "grey": ("a.png", GREY, {}, 1),
    "grey with alpha": ("a.png", with_alpha("LA"), {}, 1),
    "half opaque everywhere": ("a.png", with_alpha("LA", 100), {}, 1),
    "grey with a transparent level": ("a.png", GREY, {"transparency": 0}, 1),
    "colours": ("a.png", GREY.convert("RGB"), {}, 3),
    "colours with alpha": ("a.png", with_alpha("RGBA"), {}, 3),
    "colours with a transparent one": ("a.png", GREY.convert("RGB"), {"transparency": (0, 0, 0)}, 3),
    "palette": ("a.png", indexed(COLOURS), {}, 3),
    "palette of two bits": ("a.png", indexed(COLOURS), {"bits": 2}, 3),
    "palette with a transparent index": ("a.png", indexed(COLOURS), {"transparency": 0}, 3),
    "palette of grey levels": ("a.png", indexed(RAMP), {}, 3),
    "suffix in upper case": ("A.PNG", indexed(COLOURS), {}, 3),
    "tif": ("a.tif", GREY, {}, 1),
    "tif with alpha": ("a.tif", with_alpha("LA"), {}, 1),
    "tif of colours with alpha": ("a.tiff", with_alpha("RGBA"), {}, 3),
    "tif with a palette": ("a.tif", indexed(COLOURS), {}, 3),
    "bmp": ("a.bmp", GREY, {}, 3),
    "bmp with a palette": ("a.bmp", indexed(COLOURS), {}, 3),
    "bmp with alpha": ("a.bmp", with_alpha("RGBA"), {}, 3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_holds_its_labels_and_a_scan_no_alpha(tmp_path: Path, kind: str) -> None:
    name, picture, options, channels = KINDS[kind]
    path = tmp_path / name
    picture.save(path, **options)
    labels, scan = read_label_map(path), read_channels(path)
    assert np.array_equal(labels.voxels[0, :, :, 0], VALUES.T)
    assert labels.header.axes == 2
    assert scan.voxels.shape == (channels, 8, 6, 1)
    assert scan.voxels.dtype == np.float32
    assert read_channel_count(path) == channels
    assert read_grid(path) == scan.source_grid
    if "palette" not in kind and kind != "suffix in upper case":
        assert np.array_equal(scan.voxels[0, :, :, 0], VALUES.T)


@pytest.mark.parametrize(("name", "bits"), [("a.png", 1), ("a.tif", 1)])
def test_one_bit_is_black_and_white(tmp_path: Path, name: str, bits: int) -> None:
    GREY.point(lambda level: 255 * (level > 0)).convert("1").save(tmp_path / name, bits=bits)
    for image in (read_label_map(tmp_path / name), read_channels(tmp_path / name)):
        assert np.array_equal(image.voxels[0, :, :, 0], 255 * (VALUES.T > 0))


def test_a_palette_of_grey_levels_in_another_order_is_read_as_shown(tmp_path: Path) -> None:
    indexed([0, 0, 0, 7, 7, 7, 3, 3, 3]).save(tmp_path / "a.png")
    assert np.unique(read_label_map(tmp_path / "a.png").voxels).tolist() == [0, 3, 7]


@pytest.mark.parametrize("name", ["a.tif", "b.tiff"])
def test_pages_with_alpha_are_slices(tmp_path: Path, name: str) -> None:
    pages = [with_alpha("LA") for _ in range(3)]
    pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
    voxels = read_label_map(tmp_path / name).voxels
    assert np.array_equal(voxels[0], np.repeat(VALUES.T[..., None], 3, axis=-1))


def partly_transparent(mode: str) -> Image.Image:
    picture = with_alpha(mode)
    picture.putalpha(Image.fromarray((255 * (VALUES > 0)).astype(np.uint8)))
    return picture


def grey_alpha_of_16_bits() -> bytes:
    """The start of such a PNG, as far as its header."""
    import struct
    import zlib

    body = b"IHDR" + struct.pack(">IIBBBBB", 8, 6, 16, 4, 0, 0, 0)
    pixels = zlib.compress(bytes(6 * (1 + 8 * 4)))
    chunks = ((b"IDAT" + pixels, len(pixels)), (b"IEND", 0))
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    for chunk, length in chunks:
        content += struct.pack(">I", length) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("read", [read_label_map, read_channels])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_alpha_that_differs_is_refused(tmp_path: Path, mode: str, read, name: str) -> None:
    partly_transparent(mode).save(tmp_path / name)
    with pytest.raises(DataError, match=r"its alpha channel differs .*: 41 pixels are less opaque .* without transp"):
        read(tmp_path / name)


@pytest.mark.parametrize("read", [read_label_map, read_channels, read_grid])
def test_grey_levels_of_16_bits_with_alpha_are_refused(tmp_path: Path, read) -> None:
    (tmp_path / "a.png").write_bytes(grey_alpha_of_16_bits())
    with pytest.raises(DataError, match=r"16 bits with a second value per pixel \(alpha\).*Save it without alpha"):
        read(tmp_path / "a.png")


def test_a_mask_in_colours_says_how_to_save_it(tmp_path: Path) -> None:
    indexed(COLOURS).convert("RGB").save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"its pixels are colours.*grey levels, or with a palette"):
        read_label_map(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["grey with alpha", "palette", "tif with alpha", "tif with a palette"])
def test_a_truncated_picture_is_refused(tmp_path: Path, kind: str) -> None:
    name, picture, options, _ = KINDS[kind]
    picture.save(tmp_path / name, **options)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) - 30])
    with pytest.raises(DataError, match=r"truncated|damaged|cannot be read"):
        read_label_map(tmp_path / name)
