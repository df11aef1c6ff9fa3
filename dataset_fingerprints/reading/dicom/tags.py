"""Tags of a DICOM file that SimpleITK does not hand out: those inside sequences, and those of files without pixels."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

MAGIC = b"DICM"
PREAMBLE_BYTES = 128

SOP_CLASS = 0x00080016
ROWS = 0x00280010
PIXELS = 0x7FE00010
SHARED_GROUPS = 0x52009229
FRAME_GROUPS = 0x52009230
PIXEL_MEASURES = 0x00289110
PLANE_POSITION = 0x00209113
PLANE_ORIENTATION = 0x00209116
VALUE_TRANSFORMATION = 0x00289145

# Implicit syntax does not say which tags are sequences.
_SEQUENCES = (
    SHARED_GROUPS,
    FRAME_GROUPS,
    PIXEL_MEASURES,
    PLANE_POSITION,
    PLANE_ORIENTATION,
    VALUE_TRANSFORMATION,
)
_MEDIA_CLASS = 0x00020002
_SYNTAX = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
# Types whose length takes four bytes, after two that are empty.
_LONG_TYPES = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
_IMPLICIT, _BIG, _DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"

# Longer values are passed over: none of those asked for is longer.
_KEPT_BYTES = 1 << 12
_DEEPEST = 12
_UNPACKED_BYTES = 1 << 28


@dataclass(frozen=True, kw_only=True, slots=True)
class Tags:
    """Tags of a file, or of an item of a sequence: values as stored, and the items of sequences.

    Attributes:
        broken: why the file's tags could not be read to the end; empty where they could.
    """

    values: dict[int, bytes] = field(default_factory=dict)
    sequences: dict[int, list[Tags]] = field(default_factory=dict)
    broken: str = ""

    def text(self, tag: int) -> str | None:
        """Return a tag's value as text, or None where there is none."""
        value = self.values.get(tag)
        return None if value is None else value.decode("latin-1").strip(" \0")

    def all_numbers(self) -> set[int]:
        """Return the tags that are there, those inside sequences too."""
        inside = (item.all_numbers() for items in self.sequences.values() for item in items)
        return set(self.values) | set(self.sequences) | set().union(*inside)

    def pixel_bytes(self) -> int | None:
        """Return the length of the pixels, or None where they are compressed or not there."""
        return int(self.values[PIXELS]) if self.values.get(PIXELS) else None

    def sop_class(self) -> str:
        """Return the kind of the file as a UID, or an empty text."""
        return self.text(SOP_CLASS) or self.text(_MEDIA_CLASS) or ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """A stream of elements and the way they are written."""

    stream: BinaryIO
    size: int
    explicit: bool
    order: str


def may_be_dicom(start: bytes) -> bool:
    """Return whether a file of this start can be DICOM: with its four letters, or without preamble by its first tag."""
    if start[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == MAGIC or start.startswith(MAGIC):
        return True
    # Groups 2 and 8, written in either byte order, are the ones that a file begins with.
    return start[:2] in (b"\2\0", b"\x08\0", b"\0\2", b"\0\x08") and len(start) >= 8


def read_tags(file: Path) -> Tags:
    """Read the tags of a file up to its pixels, whose length is entered for their value; empty if they are compressed.

    Raises:
        OSError: the file cannot be read.
    """
    found = Tags()
    with file.open("rb") as stream:
        try:
            _read_file(stream, found)
        except (struct.error, zlib.error, OverflowError, ValueError) as error:
            return replace(found, broken=str(error))
    return found


def _read_file(stream: BinaryIO, found: Tags) -> None:
    start = stream.read(PREAMBLE_BYTES + 4)
    if not start.endswith(MAGIC):
        stream.seek(len(MAGIC) if start.startswith(MAGIC) else 0)
    begin = stream.tell()
    size = stream.seek(0, io.SEEK_END)
    stream.seek(begin)
    _read_elements(_Source(stream=stream, size=size, explicit=True, order="<"), found, only_group=2)
    syntax = found.text(_SYNTAX)
    if syntax == _DEFLATED:
        unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream.read(_UNPACKED_BYTES), _UNPACKED_BYTES)
        stream, size = io.BytesIO(unpacked), len(unpacked)
    order = ">" if syntax == _BIG else "<"
    explicit = _looks_explicit(stream) if syntax is None else syntax != _IMPLICIT
    _read_elements(_Source(stream=stream, size=size, explicit=explicit, order=order), found)


def _looks_explicit(stream: BinaryIO) -> bool:
    begin = stream.tell()
    start = stream.read(6)
    stream.seek(begin)
    return start[4:6].isalpha() and start[4:6].isupper()


def _read_elements(
    source: _Source, found: Tags, *, stop: int | None = None, only_group: int | None = None, depth: int = 0
) -> None:
    """Read elements up to a place, to the end of the item, to the pixels or to the end of the file."""
    stream = source.stream
    while stream.tell() < (source.size if stop is None else stop):
        begin = stream.tell()
        tag = _read_tag(source)
        if only_group is not None and tag >> 16 != only_group:
            stream.seek(begin)
            return
        kind, length = _read_length(source, tag)
        if tag == _ITEM_END:
            return
        if tag == PIXELS:
            found.values[tag] = b"" if length == _UNDEFINED else b"%d" % length
            return
        if kind == b"SQ" or length == _UNDEFINED or (not source.explicit and tag in _SEQUENCES):
            found.sequences[tag] = _read_items(source, length, kind, depth + 1)
        else:
            _read_value(source, found, tag, length)


def _read_value(source: _Source, found: Tags, tag: int, length: int) -> None:
    if source.stream.tell() + length > source.size:
        raise ValueError("the file breaks off")
    if length <= _KEPT_BYTES:
        found.values[tag] = source.stream.read(length)
    else:
        source.stream.seek(length, io.SEEK_CUR)


def _read_items(source: _Source, length: int, kind: bytes, depth: int) -> list[Tags]:
    if depth > _DEEPEST:
        raise ValueError(f"sequences are more than {_DEEPEST} deep")
    stream = source.stream
    inside = _Source(
        stream=stream, size=source.size, explicit=source.explicit and kind != b"UN", order=source.order
    )  # an unknown sequence is written implicitly
    stop = None if length == _UNDEFINED else stream.tell() + length
    items: list[Tags] = []
    while stop is None or stream.tell() < stop:
        tag = _read_tag(source)
        _, own = _read_length(source, tag)
        if tag == _SEQUENCE_END:
            break
        if tag != _ITEM:
            raise ValueError("a sequence holds something else than items")
        item = Tags()
        _read_elements(inside, item, stop=None if own == _UNDEFINED else stream.tell() + own, depth=depth)
        items.append(item)
    return items


def _read_tag(source: _Source) -> int:
    group, element = struct.unpack(f"{source.order}HH", source.stream.read(4))
    return int(group) << 16 | int(element)


def _read_length(source: _Source, tag: int) -> tuple[bytes, int]:
    """Return the type of an element, empty where it is not written, and its length in bytes."""
    if tag >> 16 == 0xFFFE or not source.explicit:
        return b"", int(struct.unpack(f"{source.order}I", source.stream.read(4))[0])
    kind = source.stream.read(2)
    if kind not in _LONG_TYPES:
        return kind, int(struct.unpack(f"{source.order}H", source.stream.read(2))[0])
    return kind, int(struct.unpack(f"{source.order}xxI", source.stream.read(6))[0])
