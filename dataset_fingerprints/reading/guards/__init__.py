"""Looks at a file before a library of C++ code does: ITK crashes on, waits for, or invents voxels of a wrong one.

A guard is a function per format that reads the header itself, as little of it as it needs, and returns where the
voxels lie. What no guard understands is refused, not handed on.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import refuse_undecodable
from dataset_fingerprints.reading.guards import metaimage, nrrd
from dataset_fingerprints.reading.guards.metaimage import find_metaimage_payloads
from dataset_fingerprints.reading.guards.nrrd import find_nrrd_payloads
from dataset_fingerprints.reading.guards.payloads import Payload, refuse_damage, refuse_wrong_length
from dataset_fingerprints.reading.guards.pictures import find_bmp_payloads, find_png_payloads, refuse_damaged_chunks
from dataset_fingerprints.reading.guards.tiff import find_tiff_payloads
from dataset_fingerprints.reading.stored import RefusedError, cannot_open

_FINDERS: dict[str, Callable[[Path], list[Payload]]] = {
    ".nrrd": find_nrrd_payloads,
    ".mha": find_metaimage_payloads,
    ".mhd": find_metaimage_payloads,
    ".png": find_png_payloads,
    ".bmp": find_bmp_payloads,
    ".tif": find_tiff_payloads,
    ".tiff": find_tiff_payloads,
}
_SIZES: dict[str, Callable[[Path], bool]] = {
    ".nrrd": nrrd.gives_voxel_size,
    ".mha": metaimage.gives_voxel_size,
    ".mhd": metaimage.gives_voxel_size,
}


def refuse_irregular(path: Path) -> None:
    """Raise a DataError unless the path is that of a regular file or a folder, or of a link to one.

    A pipe would be waited for, and a device never ends.
    """
    refuse_undecodable(path)
    try:
        kind = path.stat().st_mode
    except FileNotFoundError as error:
        raise DataError(f"{path}: does not exist. Expected an image file.") from error
    except (OSError, ValueError) as error:
        raise cannot_open(path, error) from error
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        raise DataError(f"{path}: cannot be opened as an image: it is a pipe, a socket or a device. Expected a file.")


def refuse_bad_header(path: Path) -> None:
    """Raise a DataError if a file's header points elsewhere, or declares what the file cannot hold."""
    for payload in _find(path):
        refuse_wrong_length(payload)


def refuse_bad_voxels(path: Path) -> None:
    """Raise a DataError if compressed voxels are damaged, as far as checksums tell it."""
    for payload in _find(path):
        refuse_damage(payload)
    if path.suffix.lower() == ".png":
        refuse_damaged_chunks(path)


def find_data_files(path: Path) -> tuple[Path, ...]:
    """Return the files that hold the voxels of an image beside its header's file; none where the header is wrong."""
    try:
        files = dict.fromkeys(payload.path for payload in _find(path))
    except (DataError, RefusedError):
        return ()
    return tuple(file for file in files if file != path)


def gives_voxel_size(path: Path) -> bool:
    """Return whether a volume's header says how large the voxels are, as far as its format may leave that out."""
    look = _SIZES.get(path.suffix.lower())
    return look is None or look(path)


def _find(path: Path) -> list[Payload]:
    finder = _FINDERS.get(path.suffix.lower())
    if finder is None or path.is_dir():
        return []
    try:
        return finder(path)
    except OSError as error:
        raise cannot_open(path, error) from error
