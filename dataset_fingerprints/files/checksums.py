"""Checksums (CRC-32) that tell a damaged file from a sound one; they are no protection against people."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from isal import isal_zlib

from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files.opening import read_file
from dataset_fingerprints.files.plain import canonical
from dataset_fingerprints.files.stamps import Stamp, find_stamp

# The last key of a JSON file of ours.
CHECKSUM = "checksum"
# Files whose checksums a process remembers: masks and probabilities of ten thousand cases, of some configurations.
_KNOWN = 1 << 16


def checksum(content: bytes | memoryview, before: int = 0) -> int:
    """Return the checksum of some bytes.

    Args:
        content: the bytes.
        before: the checksum of those in front of them.
    """
    return int(isal_zlib.crc32(content, before))


def show_checksum(number: int) -> str:
    """Return a checksum as text."""
    return f"{number:08x}"


def describe_damage(where: str, remedy: str) -> str:
    """Return the message of a file that does not hold what was written."""
    return (
        f"{where}: does not hold what autoseg wrote (damaged, or changed by hand). {remedy} If you changed it on "
        f'purpose, remove its line "{CHECKSUM}".'
    )


class Seal:
    """The checksum that a JSON object states of itself, taken out of it.

    It is that of the values, so that other blanks and line ends do not count. An object without one is taken as it is.

    Args:
        plain: the object, which loses the key; anything else has no seal.
    """

    def __init__(self, plain: Any) -> None:
        self._stated = plain.pop(CHECKSUM, None) if isinstance(plain, dict) else None
        self.text = canonical(plain)

    def is_broken(self) -> bool:
        """Return whether the object is not what was sealed."""
        return self._stated is not None and self._stated != show_checksum(checksum(self.text))

    def refuse_broken(self, where: str, remedy: str) -> None:
        """Make sure that the object is what was sealed.

        Raises:
            FileFormatError: it is not.
        """
        if self.is_broken():
            raise FileFormatError(describe_damage(where, remedy))


def make_seal(plain: Any) -> str:
    """Return the checksum of plain values, as a file states it."""
    return show_checksum(checksum(canonical(plain)))


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSum:
    """Size and checksum of a file, by which damage is noticed."""

    size_bytes: int
    checksum: str

    def fits(self, path: Path) -> bool:
        """Return whether a file holds what was measured; its size is looked at first.

        A content is read once per process, and again where size, times or place of the file have changed.

        Raises:
            OSError: it cannot be read.
        """
        status = path.stat()
        return status.st_size == self.size_bytes and _measure_once(path, status) == self


def measure_bytes(content: bytes) -> FileSum:
    """Return size and checksum of what a file is to hold."""
    return FileSum(size_bytes=len(content), checksum=show_checksum(checksum(content)))


def measure_file(path: Path) -> FileSum:
    """Return size and checksum of a file.

    Raises:
        OSError: it cannot be read.
    """
    return measure_bytes(read_file(path))


def _measure_once(path: Path, status: os.stat_result) -> FileSum:
    stamp = find_stamp(status)
    return measure_file(path) if stamp is None else _remember(str(path), stamp)


@lru_cache(maxsize=_KNOWN)
def _remember(path: str, _stamp: Stamp) -> FileSum:
    return measure_file(Path(path))
