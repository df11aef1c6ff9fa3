"""The bytes of an array's file, looked at before the library does: for codecs unknown to it, it runs a program."""

from __future__ import annotations

import struct
from pathlib import Path

from dataset_fingerprints.files.checksums import FileSum, measure_bytes
from dataset_fingerprints.files.opening import read_file

# Of a contiguous blosc2 frame: what it begins with, and where its numbers lie (big-endian).
_BEGINNING, _BEGINNING_AT = b"b2frame\0", 2
_HEADER_LENGTH, _FRAME_LENGTH, _CHUNKS_LENGTH = (">i", 11), (">q", 16), (">q", 39)
# Of a chunk: its length, its filters and its codec (little-endian); smaller codes are those of the library itself.
_CHUNK_HEADER, _CHUNK_LENGTH = 32, ("<i", 12)
_FORMAT, _FILTERS, _CODEC = 2, slice(16, 22), 22
_KNOWN_FORMATS, _KNOWN_FILTERS, _KNOWN_CODECS = 5, 5, 6
# Behind the chunks and the list of their places: no layers of metadata but the array's own.
_TRAILER = bytes.fromhex("940193cd0006de0000")


def is_sound(path: Path, written: FileSum | None) -> bool:
    """Return whether an array's file holds what was written into it.

    Args:
        path: of the file.
        written: what was measured then; None for whatever is an array.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not an array as we write them.
    """
    if written is not None and path.stat().st_size != written.size_bytes:
        return False
    content = read_file(path)
    if written is not None and measure_bytes(content) != written:
        return False
    _refuse_foreign(path.name, content)
    return True


def _refuse_foreign(name: str, content: bytes) -> None:
    """Make sure that a file is one array of chunks that the library unpacks by itself.

    Raises:
        ValueError: it is not.
    """
    try:
        begins = content.startswith(_BEGINNING, _BEGINNING_AT)
        place, length = _read(content, _HEADER_LENGTH), _read(content, _FRAME_LENGTH)
        end = place + _read(content, _CHUNKS_LENGTH)
        # Chunks, and behind them the list of their places, which is a chunk as well.
        known = begins and length == len(content)
        while known and place < end:
            known, place = _is_known(content, place), _next(content, place)
        known, behind = known and place == end and _is_known(content, place), _next(content, place)
    except struct.error:
        known = False
    if not known or not content.startswith(_TRAILER, behind):
        raise ValueError(f"{name} is not an array as autoseg writes them")


def _is_known(content: bytes, place: int) -> bool:
    header = content[place : place + _CHUNK_HEADER]
    if len(header) < _CHUNK_HEADER:
        return False
    codes = header[_FORMAT] >> 5 < _KNOWN_FORMATS and header[_CODEC] < _KNOWN_CODECS
    return codes and all(code < _KNOWN_FILTERS for code in header[_FILTERS])


def _next(content: bytes, place: int) -> int:
    """Return where the next chunk begins; a chunk is no shorter than its header."""
    return place + max(_CHUNK_HEADER, _read(content, _CHUNK_LENGTH, place))


def _read(content: bytes, where: tuple[str, int], place: int = 0) -> int:
    kind, offset = where
    (number,) = struct.unpack_from(kind, content, place + offset)
    return int(number)
