"""Places on the disk, compared by what they are, through links and whatever their paths look like; closed folders."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from dataset_fingerprints.errors import DataError

# Where the file system does not say how long a name may be: what nearly all allow.
_NAME_BYTES = 255

# Folders that systems keep on their disks, often closed to everybody else; no data lie in them.
SYSTEM_FOLDERS = ("lost+found", "System Volume Information", "$RECYCLE.BIN")

Identity = tuple[int, int]


def resolve(path: Path) -> Path:
    """Return the absolute path behind all links.

    Raises:
        DataError: a link leads back to itself.
    """
    try:
        return path.resolve()
    except RuntimeError as error:
        raise DataError(f"{path}: is or lies behind a link that leads back to itself. Remove the link.") from error


def shorten_path(path: Path) -> str:
    """Return a path from the current directory where it lies in it."""
    here, place = Path.cwd(), path.absolute()
    return str(place.relative_to(here)) if place != here and place.is_relative_to(here) else str(path)


def identify_place(path: Path) -> Identity | None:
    """Return the numbers of the device and the file that a path leads to: the same for all links; None for nothing."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def identify_places(paths: Iterable[Path]) -> dict[Identity, Path]:
    """Return the paths that lead somewhere by `identify_place`."""
    found = ((identify_place(path), path) for path in paths)
    return {identity: path for identity, path in found if identity is not None}


def group_by_folder(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Return paths by the folder that each lies in, as its path says."""
    groups: dict[Path, list[Path]] = {}
    for path in paths:
        groups.setdefault(path.parent, []).append(path)
    return groups


def is_same(first: Path, second: Path) -> bool:
    """Return whether two paths lead to one file or folder, or will when it is made."""
    identity = identify_place(first)
    if identity is not None:
        return identity == identify_place(second)
    return resolve(first) == resolve(second)


def is_within(inner: Path, outer: Path) -> bool:
    """Return whether a path leads to a folder or to what lies below it."""
    place = resolve(inner)
    return any(is_same(folder, outer) for folder in (place, *place.parents))


def find_around(path: Path, folders: Iterable[Path]) -> Path | None:
    """Return that of the folders which a path leads to or lies below, the innermost one; None for none."""
    known = identify_places(folders)
    place = resolve(path)
    identities = (identify_place(folder) for folder in (place, *place.parents))
    return next((known[identity] for identity in identities if identity in known), None)


def nearest_there(path: Path) -> Path:
    """Return a path, or the nearest folder above it that exists."""
    place = path.absolute()
    return next((folder for folder in (place, *place.parents) if identify_place(folder)), place)


def refuse_closed(error: OSError) -> None:
    """Refuse a folder that cannot be listed: `os.walk` calls this, or else passes over all cases in it without a word.

    Raises:
        DataError: it is there, but may not be listed or is damaged.
    """
    if not isinstance(error, FileNotFoundError | NotADirectoryError):  # what is gone by now holds no case
        raise DataError(
            f"{error.filename}: cannot be listed ({error.strerror}), so that it is not known which cases lie in it. "
            "See that you may read it, or move it away."
        ) from error


def is_case_blind(path: Path) -> bool:
    """Return whether the disk takes upper and lower case for the same, as far as the name of a folder shows it."""
    for folder in (place := nearest_there(path), *place.parents):
        other = folder.with_name(folder.name.swapcase()) if folder.name else folder
        if other != folder:
            return other.exists() and is_same(folder, other)
    return False


def name_bytes(path: Path) -> int:
    """Return how many bytes the name of a file in a folder may have."""
    try:
        return os.pathconf(nearest_there(path), "PC_NAME_MAX")
    except (OSError, ValueError):
        return _NAME_BYTES


def find_too_long(path: Path, names: Iterable[str]) -> list[str]:
    """Return the names that no file in a folder can have."""
    longest = name_bytes(path)
    return [name for name in names if len(os.fsencode(name)) > longest]
