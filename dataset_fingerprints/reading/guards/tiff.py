"""TIFF files, as far as they say where the pixels of every page lie and how many there are."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.guards.payloads import Payload
from dataset_fingerprints.reading.stored import RefusedError

_MOST_PAGES = 100_000
_MOST_TAGS = 4096

# By the number of a type: its size, and its letter in `struct` where it is an unsigned integer.
_TYPES = {1: (1, "B"), 3: (2, "H"), 4: (4, "I"), 16: (8, "Q"), 13: (4, "I"), 18: (8, "Q")}
# The size of every type that there is.
_TYPE_BYTES = {
    **dict.fromkeys((1, 2, 6, 7), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}

_KIND, _WIDTH, _HEIGHT, _BITS, _PACKING = 254, 256, 257, 258, 259
_STRIPS, _CHANNELS, _STRIP_ROWS, _STRIP_BYTES, _PLANES = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
_COLOURS, _FILL_ORDER, _ORIENTATION, _PREDICTOR, _EXTRA, _NUMBERS = 262, 266, 274, 317, 338, 339
# Tags of which a page has one value.
_SINGLE = (
    *(_KIND, _WIDTH, _HEIGHT, _PACKING, _CHANNELS, _STRIP_ROWS, _PLANES, _TILE_WIDTH, _TILE_HEIGHT),
    *(_COLOURS, _FILL_ORDER, _ORIENTATION, _PREDICTOR),
)
# What all pages have in common: ITK takes memory by the first and fills it by the others.
_COMMON = (*_SINGLE, _BITS, _EXTRA, _NUMBERS)
_NEEDED = (*_COMMON, _STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES)
_UNPACKED, _DEFLATE = 1, (8, 32946)

_Tags = dict[int, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layout:
    """Byte order and widths of a TIFF: with offsets of 32 bits, or of 64 (BigTIFF)."""

    order: str
    big: bool

    def unpack(self, letters: str, content: bytes) -> tuple[int, ...]:
        """Return the integers that lie in some bytes."""
        values: tuple[int, ...] = struct.unpack(self.order + letters, content)
        return values

    @property
    def offset(self) -> str:
        """Return the letter of an offset."""
        return "Q" if self.big else "I"


def find_tiff_payloads(path: Path) -> list[Payload]:
    """Return where the pixels of all pages lie.

    Raises:
        RefusedError: the file does not begin as a TIFF.
        DataError: the chain of pages is cut or runs in a circle, the pages differ in size, or pixels lie outside of
            the file.
    """
    length = path.stat().st_size
    with path.open("rb") as stream:
        try:
            pages = _read_pages(path, stream, length)
        except (struct.error, EOFError) as error:
            raise DataError(_say_cut(path)) from error
    forms = {tuple(page.get(tag) for tag in _COMMON) for page in pages}
    if len(forms) != 1:
        raise DataError(
            f"{path}: its {len(pages)} pages have {len(forms)} different sizes, number types or kinds. Expected slices "
            "of one size, without previews: store the scan again."
        )
    return [payload for page in pages for payload in _find_blocks(path, page, length)]


def read_tiff_colours(path: Path) -> tuple[int, tuple[int, ...], int]:
    """Return what a TIFF's pixels mean (3: indices of a palette), the bits of their values, and what the last one is.

    Raises:
        RefusedError: the file does not begin as a TIFF.
        DataError: it is truncated or damaged.
    """
    with path.open("rb") as stream:
        try:
            page = _read_pages(path, stream, path.stat().st_size)[0]
        except (struct.error, EOFError) as error:
            raise DataError(_say_cut(path)) from error
    values = _first(page, _CHANNELS, 1)
    bits = page.get(_BITS, (1,))
    return _first(page, _COLOURS, 1), bits if len(bits) == values else bits[:1] * values, page.get(_EXTRA, (0,))[-1]


def _say_cut(path: Path) -> str:
    return f"{path}: is truncated: a page is not there. Copy it again from its source."


def _read_pages(path: Path, stream: BinaryIO, length: int) -> list[_Tags]:
    """Read the tags of every page, along the chain that leads from one to the next."""
    layout, place = _read_start(stream)
    pages: list[_Tags] = []
    seen: set[int] = set()
    while place:
        if place in seen or len(pages) > _MOST_PAGES:
            raise DataError(f"{path}: is damaged: its pages lead in a circle. Copy the file again from its source.")
        seen.add(place)
        stream.seek(place)
        count = layout.unpack("Q" if layout.big else "H", _read(stream, 8 if layout.big else 2))[0]
        if count > _MOST_TAGS:
            raise DataError(f"{path}: is damaged: a page has {count} tags. Copy the file again from its source.")
        entry_size = 20 if layout.big else 12
        entries = _read(stream, entry_size * count)
        place = layout.unpack(layout.offset, _read(stream, struct.calcsize(layout.offset)))[0]
        if place >= length:
            raise EOFError
        cut = [entries[start : start + entry_size] for start in range(0, len(entries), entry_size)]
        tags, kinds = ([layout.unpack("H", entry[start : start + 2])[0] for entry in cut] for start in (0, 2))
        if tags != sorted(set(tags)) or not _TYPE_BYTES.keys() >= set(kinds):
            raise DataError(f"{path}: is damaged: the tags of a page are in disorder. Copy it again from its source.")
        pages.append(_read_tags(path, stream, layout, cut))
    if not pages:
        raise RefusedError("it has no page")
    return pages


def _read_start(stream: BinaryIO) -> tuple[_Layout, int]:
    start = stream.read(16)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    version = struct.unpack(f"{order}H", start[2:4])[0] if order and len(start) >= 8 else 0
    if order is None or version not in (42, 43) or (version == 43 and len(start) < 16):
        raise RefusedError("it does not begin as a TIFF")
    layout = _Layout(order=order, big=version == 43)
    return layout, layout.unpack(layout.offset, start[8:16] if layout.big else start[4:8])[0]


def _read_tags(path: Path, stream: BinaryIO, layout: _Layout, entries: Sequence[bytes]) -> _Tags:
    """Read the integers of the tags that are needed."""
    tags: _Tags = {}
    length = path.stat().st_size
    for entry in entries:
        tag, kind = layout.unpack("HH", entry[:4])
        count = layout.unpack(layout.offset, entry[4:12] if layout.big else entry[4:8])[0]
        value = entry[12:] if layout.big else entry[8:]
        elsewhere = count * _TYPE_BYTES[kind] > len(value)
        if elsewhere and layout.unpack(layout.offset, value)[0] + count * _TYPE_BYTES[kind] > length:
            raise EOFError
        if tag not in _NEEDED:
            continue
        if kind not in _TYPES or not count or (tag in _SINGLE and count > 1):
            raise DataError(f"{path}: is damaged: the tag {tag} is not a number. Copy the file again from its source.")
        width, letter = _TYPES[kind]
        if elsewhere:
            stream.seek(layout.unpack(layout.offset, value)[0])
            value = _read(stream, count * width)
        tags[tag] = layout.unpack(f"{count}{letter}", value[: count * width])
    return tags


def _find_blocks(path: Path, page: _Tags, length: int) -> list[Payload]:
    """Return a page's strips or tiles."""
    width, height = _first(page, _WIDTH, 0), _first(page, _HEIGHT, 0)
    tiled = _TILES in page
    starts, lengths = page.get(_TILES if tiled else _STRIPS, ()), page.get(_TILE_BYTES if tiled else _STRIP_BYTES, ())
    if not width or not height or not starts or len(starts) != len(lengths):
        raise DataError(f"{path}: is damaged: a page has no size or no pixels. Copy the file again from its source.")
    if any(start + count > length for start, count in zip(starts, lengths, strict=True)):
        raise DataError(f"{path}: is truncated: pixels of a page are not there. Copy the file again from its source.")
    pixel_bits = sum(page.get(_BITS, (1,)))
    bits, planes = pixel_bits, 1
    if _first(page, _PLANES, 1) == 2:
        planes = _first(page, _CHANNELS, 1)
        bits = pixel_bits // planes
    rows = _first(page, _TILE_HEIGHT, 0) if tiled else min(_first(page, _STRIP_ROWS, height), height)
    columns = _first(page, _TILE_WIDTH, 0) if tiled else width
    if rows < 1 or columns < 1:
        raise DataError(f"{path}: is damaged: a page has no rows. Copy the file again from its source.")
    down = math.ceil(height / rows)
    blocks = down * math.ceil(width / columns) * planes
    if len(starts) < blocks:
        raise DataError(
            f"{path}: is damaged: a page has {len(starts)} of {blocks} blocks of pixels. "
            "Copy the file again from its source."
        )
    packing = _first(page, _PACKING, _UNPACKED)
    if packing != _UNPACKED and packing not in _DEFLATE:
        return []  # neither its length nor a checksum can be compared
    payloads = []
    for number, (start, count) in enumerate(zip(starts[:blocks], lengths, strict=False)):
        last = not tiled and number % down == down - 1
        size = (height - (down - 1) * rows if last else rows) * math.ceil(columns * bits / 8)
        payloads.append(
            Payload(
                path=path,
                start=start,
                length=count,
                size=size,
                slice_size=size + 1,
                packing="none" if packing == _UNPACKED else "deflate",
            )
        )
    return payloads


def _first(page: _Tags, tag: int, otherwise: int) -> int:
    return page.get(tag, (otherwise,))[0] if page.get(tag, (otherwise,)) else otherwise


def _read(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
