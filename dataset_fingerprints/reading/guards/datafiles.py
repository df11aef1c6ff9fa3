"""Headers of text, and the files of voxels that they name: only those beside the header or below it are read."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.stored import RefusedError

# More slices than any scan has.
_MOST_FILES = 100_000

_NUMBERED = re.compile(r"[^%]*%0?\d{0,2}d[^%]*")


def find_data_file(header: Path, name: str) -> Path:
    """Return the path of a data file.

    Raises:
        DataError: it does not lie beside or below the header, does not exist, or is not a regular file.
    """
    if _leads_elsewhere(name):
        raise DataError(
            f"{header}: keeps its voxels in {name!r}. Expected a file beside the header or below its folder: move it "
            "there, and name it in the header without a path."
        )
    file = header.parent / name
    try:
        regular = file.is_file()
    except (OSError, ValueError):
        regular = False
    if not regular:
        raise DataError(
            f"{header}: keeps its voxels in {name!r}, which does not exist or is not a file. Copy both files again "
            "from their source."
        )
    return file


def number_files(header: Path, pattern: str, first: int, last: int, step: int) -> list[str]:
    """Return the names that a pattern like slice_%03d.raw stands for.

    Raises:
        DataError: the pattern or the numbers cannot be used.
    """
    numbers = range(first, last + (1 if step > 0 else -1), step) if step else range(0)
    if not _NUMBERED.fullmatch(pattern) or not 0 < len(numbers) <= _MOST_FILES:
        raise DataError(
            f"{header}: keeps its voxels in files {pattern!r} from {first} to {last}. Expected a name with one "
            "number (%03d) and at least one file: store the scan in one file."
        )
    return [pattern % number for number in numbers]


def share_evenly(header: Path, size: int, files: int) -> int:
    """Return how many of the bytes that all voxels take lie in each of the data files.

    Raises:
        DataError: these cannot hold as many each.
    """
    if size % files:
        raise DataError(f"{header}: its voxels do not fill its {files} data files evenly. Correct the header.")
    return size // files


def read_integer(text: str) -> int:
    """Return the integer that a field of a header holds.

    Raises:
        RefusedError: it holds something else.
    """
    try:
        return int(text[:20])
    except ValueError as error:
        raise RefusedError(f"its header has {text[:40]!r} in place of an integer") from error


def _leads_elsewhere(name: str) -> bool:
    parts = PurePosixPath(name).parts + PureWindowsPath(name).parts
    absolute = PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).anchor)
    return not name or absolute or ".." in parts or "~" in name[:1] or "\0" in name or "://" in name
