"""Headers of PNG and BMP pictures, as far as they say where the pixels lie and how many there are."""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.guards.payloads import Payload, refuse_impossible_ratio, say_truncated
from dataset_fingerprints.reading.stored import GZIP_ERRORS, RefusedError, one_line

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_LONGEST_EDGE = 1 << 20
_PIECE = 1 << 20

_BMP_HEADERS = {12: "<HH", 40: "<ii"}


def find_png_payloads(path: Path) -> list[Payload]:
    """Return nothing to unpack as one stream: a PNG's stream is cut into chunks, which `refuse_damaged_chunks` reads.

    Raises:
        RefusedError: the header cannot be read.
        DataError: it declares what the file cannot hold.
    """
    refuse_impossible_ratio(path, path.stat().st_size, _read_png_size(path)[0])
    return []


def refuse_damaged_chunks(path: Path) -> None:
    """Raise a DataError if a chunk of a PNG does not have its checksum, or its pixels are too few or damaged.

    Raises:
        RefusedError: the header cannot be read.
    """
    size, interlaced = _read_png_size(path)
    unpacker = isal_zlib.decompressobj()
    found = 0
    try:
        with path.open("rb") as stream:
            for piece in _read_pixels(stream):
                packed = piece
                while packed and not unpacker.eof:
                    found += len(unpacker.decompress(packed, _PIECE))
                    packed = unpacker.unconsumed_tail
    except EOFError as error:
        raise DataError(f"{path}: is truncated: its last chunk is not there. Copy it again from its source.") from error
    except GZIP_ERRORS as error:
        raise DataError(
            f"{path}: is damaged: its pixels cannot be unpacked ({one_line(error)}). Copy it again from its source."
        ) from error
    if not unpacker.eof or (found < size and not interlaced):
        raise DataError(say_truncated(path, found, size))


def find_bmp_payloads(path: Path) -> list[Payload]:
    """Return where the pixels of a BMP lie.

    Raises:
        RefusedError: the header cannot be read.
    """
    width, height, packing, bits = _read_bmp_start(path)
    with path.open("rb") as stream:
        declared, _, place = struct.unpack_from("<III", stream.read(14), 2)
    _refuse_edges(path, width, abs(height))
    if packing not in (0, 3) or bits not in (1, 4, 8, 16, 24, 32):
        raise RefusedError(f"its pixels have {bits} bits and are compressed (kind {packing})")
    row = (width * bits + 31) // 32 * 4
    length = path.stat().st_size
    if length < declared:
        raise DataError(
            f"{path}: is truncated: {length} of {declared} bytes are there. Copy the file again from its source."
        )
    size = row * abs(height)
    return [Payload(path=path, start=place, length=length - place, size=size, slice_size=size)]


def read_png_colours(path: Path) -> tuple[int, int, bool]:
    """Return a PNG's colour type, its bits per value, and whether single colours are shown as transparent.

    Raises:
        RefusedError: the header cannot be read.
    """
    bits, kind = _read_png_start(path)[2:4]
    transparent = False
    with path.open("rb") as stream:
        stream.seek(len(_PNG_START))
        while len(head := stream.read(8)) == 8:
            length, name = struct.unpack(">I4s", head)
            transparent = transparent or name == b"tRNS"
            if name == b"IDAT":
                break
            stream.seek(length + 4, os.SEEK_CUR)
    return kind, bits, transparent


def read_bmp_bits(path: Path) -> int:
    """Return the bits of a BMP's pixel.

    Raises:
        RefusedError: the header cannot be read.
    """
    return _read_bmp_start(path)[-1]


def _read_bmp_start(path: Path) -> tuple[int, int, int, int]:
    """Return width, height, the kind of packing and the bits per pixel."""
    with path.open("rb") as stream:
        start = stream.read(54)
    if len(start) < 26 or not start.startswith(b"BM"):
        raise RefusedError("it does not begin with a BMP header")
    header = struct.unpack_from("<I", start, 14)[0]
    layout = _BMP_HEADERS.get(min(header, 40))
    if layout is None or (header >= 40 and len(start) < 54):
        raise RefusedError("its header is cut or of an unknown kind")
    width, height = struct.unpack_from(layout, start, 18)
    bits = struct.unpack_from("<H", start, 18 + struct.calcsize(layout) + 2)[0]
    return width, height, struct.unpack_from("<I", start, 30)[0] if header >= 40 else 0, bits


def _read_png_start(path: Path) -> tuple[int, int, int, int, bool]:
    """Return width, height, bits per value, colour type, and whether rows are interlaced."""
    with path.open("rb") as stream:
        start = stream.read(33)
    if len(start) < 33 or not start.startswith(_PNG_START) or start[12:16] != b"IHDR":
        raise RefusedError("it does not begin with a PNG header")
    width, height, bits, kind, _, _, interlaced = struct.unpack_from(">IIBBBBB", start, 16)
    return width, height, bits, kind, bool(interlaced)


def _read_png_size(path: Path) -> tuple[int, bool]:
    """Return the bytes of all rows, unpacked, and whether the rows are interlaced (a few more bytes then)."""
    width, height, depth, colours, interlaced = _read_png_start(path)
    if colours not in _PNG_CHANNELS or depth not in (1, 2, 4, 8, 16):
        raise RefusedError(f"its pixels have {depth} bits and are of the colour type {colours}")
    _refuse_edges(path, width, height)
    return height * (1 + math.ceil(width * depth * _PNG_CHANNELS[colours] / 8)), interlaced


def _refuse_edges(path: Path, width: int, height: int) -> None:
    if not (0 < width <= _LONGEST_EDGE and 0 < height <= _LONGEST_EDGE):
        raise DataError(
            f"{path}: its header declares {width} x {height} pixels. Expected 1 to {_LONGEST_EDGE} along each edge: "
            "copy the file again from its source."
        )


def _read_pixels(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the packed pixels of a PNG, and compare the checksum of every chunk up to the last."""
    stream.seek(len(_PNG_START))
    while True:
        head = stream.read(8)
        if len(head) < 8:
            raise EOFError
        length, kind = struct.unpack(">I4s", head)
        checksum = zlib.crc32(kind)
        while length:
            piece = stream.read(min(length, _PIECE))
            if not piece:
                raise EOFError
            length -= len(piece)
            checksum = zlib.crc32(piece, checksum)
            if kind == b"IDAT":
                yield piece
        if stream.read(4) != struct.pack(">I", checksum):
            raise zlib.error(f"the checksum of a chunk {kind!r} is wrong")
        if kind == b"IEND":
            return
