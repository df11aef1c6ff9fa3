"""Names of image files: which files a folder offers, the case and the channel in a name, and what is left out."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import natural_order, some_of
from dataset_fingerprints.reading import nifti_header
from dataset_fingerprints.reading.images import case_stem, is_image, is_series, suffix_of

_CHANNEL = re.compile(r"(?<=.)_(\d{4})$", re.ASCII)


def images_in(folder: Path, *, series: bool = True) -> list[Path]:
    """Return the images of a folder by name, 2 before 10: image files, and folders that hold a DICOM series.

    Args:
        folder: is searched if it exists.
        series: False for files only.
    """
    files = sorted(folder.iterdir(), key=lambda file: natural_order(file.name)) if folder.is_dir() else []
    return [file for file in files if _is_whole(file) or (series and is_series(file))]


def _is_whole(file: Path) -> bool:
    """Return whether a file is an image, with its header where that is another file."""
    if not is_image(file) or file.is_dir():
        return False
    return suffix_of(file) != nifti_header.VOXEL_SUFFIX or _has_header(file)


def _has_header(voxels: Path) -> bool:
    try:
        nifti_header.find_pair(voxels)
    except DataError:
        return False
    return True


def image_of(file: Path) -> Path:
    """Return the file that stands for an image: the voxels where `file` is the header beside them."""
    if suffix_of(file) == nifti_header.HEADER_SUFFIX and file.is_file():
        return nifti_header.find_pair(file)[1]
    return file


def stem_of(image: Path) -> str:
    """Return the name of an image file without its suffix, or that of a DICOM series' folder, which has none."""
    return unicodedata.normalize("NFC", image.name) if os.path.isdir(image) else case_stem(image)  # noqa: PTH112


def ending_of(image: Path, name: str) -> str:
    """Return what follows the name of a case in the name of one of its files."""
    return unicodedata.normalize("NFC", image.name)[len(name) :]


def split_channel(stem: str) -> tuple[str, int | None]:
    """Return a name without the four digits at its end, and their number; None where there are none.

    Whether the digits are a channel depends on the other names: `CASE_0002` may be the second patient.
    """
    match = _CHANNEL.search(stem)
    return (stem[: match.start()], int(match.group(1))) if match else (stem, None)


def are_first_channels(stems: Iterable[str]) -> bool:
    """Return whether all names end in _0000, as nnU-Net names scans of one channel."""
    return all(split_channel(stem)[1] == 0 for stem in stems)


def find_alike(names: Iterable[str], *, case_blind: bool = True) -> list[tuple[str, ...]]:
    """Return the names that a disk or a reader may take for one and the same, in groups.

    Args:
        names: those to compare; each counts once.
        case_blind: upper and lower case are the same; otherwise only an accent is, however it is stored.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        plain = unicodedata.normalize("NFC", name)
        groups[unicodedata.normalize("NFC", plain.casefold()) if case_blind else plain].append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def find_left_out(folders: Iterable[Path], taken: Iterable[Path], *, files_only: bool = False) -> list[Path]:
    """Return what lies in the folders beside the images that were taken.

    Hidden files do not count, nor do those with the name of a taken one and another suffix: they describe it.
    """
    places = set(folders)
    used = {(path.parent, _bare(path)) for path in taken}
    there = [path for folder in sorted(places) if folder.is_dir() for path in sorted(folder.iterdir())]
    return [
        path
        for path in there
        if not path.name.startswith(".")
        and path not in places
        and (path.parent, _bare(path)) not in used
        and not (files_only and path.is_dir())
    ]


def _bare(path: Path) -> str:
    """Return a name up to its first dot: suffixes of descriptions may be longer than those of images."""
    return path.name.split(".")[0]


def show_left_out(names: Sequence[str]) -> str:
    """Return in words what was left out: the first names, and how many more there are."""
    return f"Left out: {some_of(names)}"
