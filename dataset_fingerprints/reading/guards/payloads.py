"""Voxels of a file as they lie on the disk: whether all are there, and whether packed ones are sound.

ITK reads a file that ends early with noise at its end, unpacks zlib streams without comparing their checksums, and
takes the memory that a header declares before it looks at the file. So both are looked at here first.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from isal import igzip, isal_zlib

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.stored import GZIP_ERRORS, GZIP_MAGIC, one_line

# No deflate stream (gzip, zlib, PNG) unpacks to more than this many times its length.
DEFLATE_RATIO = 1032

# Bytes that are read at once, unpacked and packed.
_PIECE = 1 << 20
_PACKED_PIECE = 1 << 16

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_COPY_AGAIN = "Copy the file again from its source."


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload:
    """A run of bytes that holds voxels.

    Attributes:
        path: the file that they lie in.
        start: the first byte.
        length: the number of bytes, as they are stored.
        size: the number of bytes that the header declares, unpacked.
        slice_size: how many of these one slice takes.
        packing: "deflate" is a gzip or zlib stream; of a text only a lower bound of its length is known.
    """

    path: Path
    start: int
    length: int
    size: int
    slice_size: int
    packing: Literal["none", "deflate", "text"] = "none"


def refuse_wrong_length(payload: Payload) -> None:
    """Raise a DataError if the bytes that are there cannot be what the header declares; nothing is unpacked."""
    if payload.packing == "deflate":
        refuse_impossible_ratio(payload.path, payload.length, payload.size)
    elif payload.packing == "text":
        _compare(payload, min(payload.length, payload.size))
    else:
        _compare(payload, payload.length)


def refuse_damage(payload: Payload) -> None:
    """Raise a DataError if a packed payload is damaged, or holds more or less than the header declares.

    Whatever the stream holds, no more than a piece of it is in memory, and it is left when it has become too long.
    """
    if payload.packing != "deflate":
        return
    found = 0
    try:
        with payload.path.open("rb") as stream:
            stream.seek(payload.start)
            for piece in _unpack(stream, payload.length):
                found += len(piece)
                if is_surplus(found - payload.size, payload.slice_size):
                    break
    except EOFError as error:
        raise DataError(
            f"{payload.path}: is truncated: its compressed voxels break off after {payload.length} bytes. {_COPY_AGAIN}"
        ) from error
    except GZIP_ERRORS as error:
        raise DataError(
            f"{payload.path}: is damaged: its compressed voxels cannot be unpacked ({one_line(error)}). {_COPY_AGAIN}"
        ) from error
    _compare(payload, found)


def refuse_impossible_ratio(path: Path, packed: int, declared: int) -> None:
    """Raise a DataError if so few bytes of a deflate stream can never unpack to as many as are declared."""
    if declared > DEFLATE_RATIO * packed + _PIECE:
        raise DataError(
            f"{path}: its header declares {declared} bytes of voxels, but its {packed} compressed bytes can hold at "
            f"most {DEFLATE_RATIO * packed}. The header is damaged or the file is truncated. {_COPY_AGAIN}"
        )


def is_surplus(extra: int, slice_size: int) -> bool:
    """Return whether so many bytes after the declared voxels must be voxels: a slice or more; less is padding."""
    return extra > 0 and extra >= max(1, slice_size)


def say_truncated(path: Path, found: int, declared: int) -> str:
    """Say that a file holds fewer bytes of voxels than it should."""
    return f"{path}: is truncated: {found} of the {declared} bytes of voxels that its header declares are there. " + (
        _COPY_AGAIN
    )


def say_surplus(path: Path, extra: int, declared: int) -> str:
    """Say that a file holds more voxels than its header declares."""
    return (
        f"{path}: holds at least {extra} bytes more than the {declared} bytes of voxels that its header declares: the "
        f"header is wrong or damaged (its shape or number type). {_COPY_AGAIN}"
    )


def _compare(payload: Payload, found: int) -> None:
    if found < payload.size:
        raise DataError(say_truncated(payload.path, found, payload.size))
    if is_surplus(found - payload.size, payload.slice_size):
        raise DataError(say_surplus(payload.path, found - payload.size, payload.size))


def _unpack(stream: BinaryIO, length: int) -> Iterator[bytes]:
    """Yield what a gzip or zlib stream of so many bytes unpacks to; checksums are compared at its end."""
    start = stream.read(2)
    stream.seek(-len(start), 1)
    if start == GZIP_MAGIC:
        with igzip.open(_Window(stream, length)) as unpacked:
            while piece := unpacked.read(_PIECE):
                yield cast("bytes", piece)
    else:
        yield from _inflate(stream, length)


def _inflate(stream: BinaryIO, length: int) -> Iterator[bytes]:
    unpacker = isal_zlib.decompressobj()
    left = length
    while not unpacker.eof:
        packed = unpacker.unconsumed_tail
        if not packed:
            packed = stream.read(min(left, _PACKED_PIECE))
            left -= len(packed)
            if not packed:
                raise EOFError
        yield unpacker.decompress(packed, _PIECE)


class _Window(io.RawIOBase):
    """The next bytes of a file, read as if it ended with them."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream, self._left = stream, length

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, target: WriteableBuffer) -> int:
        """Fill the target as far as there are bytes; return how many there were."""
        view = memoryview(target)
        content = self._stream.read(min(len(view), self._left))
        view[: len(content)] = content
        self._left -= len(content)
        return len(content)
