"""DICOM series: finding them in folders, choosing one, and reading it through SimpleITK (GDCM)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import refuse_closed
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.dicom.placing import Placement, place_slices
from dataset_fingerprints.reading.dicom.slices import Slice, SliceFile, list_files, open_file, read_slices
from dataset_fingerprints.reading.kept_locale import keeping_locale
from dataset_fingerprints.reading.stored import Header, Stored, itk_reason, make_stored_grid

# Folders of a picture archive lie in each other: patient, study, series, sometimes with others around them.
_DEEPEST = 8

_SHOWN = 20

# Stored integers are found again from rescaled ones with less error than this.
_WHOLE = 1e-3

# In bytes; file systems take 255 with the suffix.
_LONGEST_NAME = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One DICOM series of a folder.

    Attributes:
        path: of the folder.
        uid: of the series; empty where its files have none.
        study: UID of the study that it belongs to.
        description: in the words of whoever made the scan.
        files: by name.
        slices: of all files, in the order of the files.
    """

    path: Path
    uid: str
    study: str
    description: str
    files: tuple[Path, ...]
    slices: tuple[Slice, ...]

    def describe(self) -> str:
        """Return the series on one line, for a list to choose from."""
        return f"'{self.description}' ({counted(len(self.slices), 'slice')}, {self.uid or 'without SeriesInstanceUID'})"

    def is_called(self, text: str) -> bool:
        """Return whether a text is in the description, in any case, or is the series' UID."""
        return text == self.uid or text.casefold() in self.description.casefold()


def holds_series(folder: Path) -> bool:
    """Return whether a folder itself holds a DICOM image; a damaged one counts, so that it is reported when read."""
    for file in list_files(folder):
        try:
            if open_file(file) is not None:
                return True
        except DataError:
            return True
    return False


def series_folders(folder: Path) -> tuple[Path, ...]:
    """Return the folders that hold DICOM images: the folder itself, or else those below, by name.

    Hidden folders are left out; links are not followed.
    """
    if holds_series(folder):
        return (folder,)
    return tuple(Path(found) for found in _walk(folder) if holds_series(Path(found)))


def name_folders(root: Path, text: str = "") -> dict[str, Path]:
    """Return the folders below `root` that hold DICOM images by a name for each.

    A sub-folder with one such folder in it stands for it and gives its own name; where there are several, the name is
    their path from `root`, joined by underscores.

    Args:
        root: where to look.
        text: leave out the series that it does not name; empty for all.

    Raises:
        DataError: no series, or several of one folder, are of that name, or a study has none.
    """
    named: dict[str, Path] = {}
    chosen = _folders_with(root, text) if text else {child: series_folders(child) for child in _children(root)}
    for child, below in chosen.items():
        if len(below) == 1:
            named[_unused(child.name, named)] = child
        for folder in below if len(below) > 1 else ():
            named[_unused(_shorten("_".join(folder.relative_to(root).parts)), named)] = folder
    return named


def find_series(folder: Path) -> tuple[Series, ...]:
    """Return all DICOM series of a folder, or else of the folders below it.

    Raises:
        DataError: a DICOM file cannot be read.
    """
    return tuple(series for found in series_folders(folder) for series in list_series(found))


def list_series(folder: Path) -> tuple[Series, ...]:
    """Return the DICOM series of the files of a folder itself, by description.

    Raises:
        DataError: a DICOM file cannot be read.
    """
    groups: dict[str, list[SliceFile]] = {}
    for file in list_files(folder):
        read = read_slices(file)
        if read is not None:
            groups.setdefault(read.series, []).append(read)
    found = [
        Series(
            path=folder,
            uid=uid,
            study=files[0].study,
            description=files[0].description,
            files=tuple(file.path for file in files),
            slices=tuple(one for file in files for one in file.slices),
        )
        for uid, files in groups.items()
    ]
    return tuple(sorted(found, key=lambda series: (series.description, series.uid)))


def choose_series(folder: Path, text: str = "") -> Series:
    """Return the one DICOM series of a folder or of those below it, or the one that a text names among several.

    Args:
        folder: where to look.
        text: a part of the description in any case, or a SeriesInstanceUID; empty where there is one series.

    Raises:
        DataError: there is none or no single one of that name; all are listed.
    """
    found = find_series(folder)
    if not found:
        raise DataError(f"{folder}: is a folder without DICOM files. Expected an image file or one DICOM series.")
    chosen, lines = _match(found, text), [series.describe() for series in found]
    if len(chosen) == 1:
        return chosen[0]
    if text:
        raise _unmatched(folder, text, lines, len(chosen))
    raise DataError(
        f"{folder}: holds {len(found)} DICOM series ({_list(lines)}). Expected one: put each series into a folder of "
        "its own, or choose one for predicting with --series TEXT, a part of its description."
    )


def read_header(folder: Path, series: str = "") -> Header:
    """Read shape, affine and channels of a series, as reading its voxels gives them.

    Raises:
        DataError: there is no such series, or its slices make no volume.
    """
    return _header_of(folder, _place(folder, series))


def read_voxels(folder: Path, dtype: type[np.floating] | None, series: str = "") -> Stored:
    """Read a series' voxels with the rescaling of each slice applied.

    Args:
        folder: with the series.
        dtype: of the voxels; None for that of the slices, or float32 where they are rescaled differently.
        series: the text that names it among several.

    Raises:
        DataError: there is no such series, its slices make no volume, or its pixels are damaged.
    """
    placement = _place(folder, series)
    header = _header_of(folder, placement)
    slices = placement.slices
    alike = len({one.rescale for one in slices}) == 1
    stored: Any = np.result_type(*{one.number_type for one in slices}) if alike else np.float32
    columns, rows, count = placement.shape()
    voxels = np.empty((header.channels, count, rows, columns), dtype=dtype or stored)
    numbers = {(one.file, one.frame): number for number, one in enumerate(slices)}
    for one in slices:
        if one.frame == 0:
            pixels = _read_pixels(one)
            for frame in range(one.frames):
                number = numbers[one.file, frame]
                frame_pixels = pixels[frame] if alike else _rescaled(pixels[frame], slices[number], one)
                voxels[:, number] = np.moveaxis(frame_pixels, -1, 0)
    return Stored(voxels=voxels.transpose(0, 3, 2, 1), header=header)


def order_slices(folder: Path, series: str = "") -> tuple[Slice, ...]:
    """Return the slices of a series in the order in which `read_voxels` gives them.

    Raises:
        DataError: there is no such series, or its slices make no volume.
    """
    return _place(folder, series).slices


def _match(found: Sequence[Series], text: str) -> tuple[Series, ...]:
    """Return the series that a text names; one whose whole description or UID it is goes before the others."""
    named = tuple(series for series in found if series.is_called(text))
    exact = tuple(series for series in named if text.casefold() in (series.description.casefold(), series.uid))
    return exact if text and exact else named


def _unmatched(where: Path, text: str, lines: Sequence[str], fitting: int) -> DataError:
    how_many = f"{fitting} of them fit" if fitting else "none of them fits"
    return DataError(
        f"{where}: holds {len(lines)} DICOM series ({_list(lines)}), and {how_many} --series '{text}'. "
        "Expected a text that is in one description, or a SeriesInstanceUID."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listed:
    """A series in a list to choose from; the slices of all series of an archive would fill the memory.

    Attributes:
        line: that describes it.
    """

    path: Path
    study: str
    line: str


def _list_one(series: Series) -> _Listed:
    return _Listed(path=series.path, study=series.study, line=series.describe())


def _list_below(folder: Path, text: str) -> tuple[list[_Listed], list[_Listed]]:
    """Return all series of a folder, or of those below it, and the ones that a text names."""
    found = find_series(folder)
    return [_list_one(series) for series in found], [_list_one(series) for series in _match(found, text)]


def _folders_with(root: Path, text: str) -> dict[Path, tuple[Path, ...]]:
    """Return for each sub-folder the folders in it that hold the series that a text names."""
    everything: list[_Listed] = []
    chosen: dict[Path, list[_Listed]] = {}
    for child in _children(root):
        below, chosen[child] = _list_below(child, text)
        everything += below
    if not everything:
        raise DataError(f"{root}: holds no DICOM series to choose '{text}' from. Leave out --series.")
    named = {one.study for fitting in chosen.values() for one in fitting}
    lacking = next((one for one in everything if one.study not in named), None)
    if lacking is not None:
        raise _unmatched(lacking.path, text, [one.line for one in everything if one.study == lacking.study], 0)
    for fitting in chosen.values():
        for one in fitting:
            same = sum(other.path == one.path for other in fitting)
            if same > 1:
                raise _unmatched(one.path, text, [series.describe() for series in list_series(one.path)], same)
    return {child: tuple(one.path for one in fitting) for child, fitting in chosen.items() if fitting}


def _place(folder: Path, text: str) -> Placement:
    series = choose_series(folder, text)
    if len(series.files) > 1 and any(one.frames > 1 for one in series.slices):
        several = next(one.file.name for one in series.slices if one.frames > 1)
        raise DataError(
            f"{series.path}: the DICOM series has {len(series.files)} files, of which {several} holds several slices. "
            "Expected one file of all slices or one file per slice: put each file of several into a folder of its own."
        )
    return place_slices(series.path, series.slices)


def _header_of(folder: Path, placement: Placement) -> Header:
    grid = make_stored_grid(folder, placement.shape(), placement.affine)
    return Header(grid=grid, channels=placement.slices[0].channels, assumptions=placement.assumptions)


def _read_pixels(one: Slice) -> NDArray[Any]:
    """Return the pixels of a file as (frame, row, column, channel)."""
    import SimpleITK

    try:
        with keeping_locale():
            image = SimpleITK.ReadImage(str(one.file), imageIO="GDCMImageIO")
    except RuntimeError as error:
        raise DataError(
            f"{one.file}: the pixels cannot be read ({itk_reason(error)}). Copy the file again from its source."
        ) from error
    return SimpleITK.GetArrayFromImage(image).reshape(one.frames, one.size[1], one.size[0], one.channels)


def _rescaled(pixels: NDArray[Any], one: Slice, first: Slice) -> NDArray[Any]:
    """Give a frame its own slope and intercept: GDCM applies those of the first frame to all of a file."""
    if one.rescale == first.rescale:
        return pixels
    slope, intercept = first.rescale
    stored = (pixels.astype(np.float64) - intercept) / slope
    whole = np.rint(stored)
    if np.abs(stored - whole).max(initial=0) > _WHOLE:
        raise DataError(
            f"{one.file}: its frames are rescaled differently, and their stored values are not integers. Expected one "
            "RescaleSlope and RescaleIntercept: convert the file to NIfTI."
        )
    return whole * one.rescale[0] + one.rescale[1]


def _children(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}). See that you may read it.") from error
    return [entry for entry in entries if entry.is_dir() and not entry.name.startswith(".")]


def _walk(folder: Path) -> list[str]:
    """Return the folders below a folder by name, those of a picture archive in its depth."""
    found = []
    for place, folders, _ in os.walk(folder, onerror=refuse_closed):
        deep = len(Path(place).relative_to(folder).parts)
        folders[:] = [name for name in folders if not name.startswith(".")] if deep < _DEEPEST else []
        if deep:
            found.append(place)
    return sorted(found)


def _shorten(name: str) -> str:
    """Return a name that leaves space for a suffix: folders may be called by UIDs of 64 digits each."""
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[:_LONGEST_NAME].decode(errors='ignore')}-{digest}"


def _unused(name: str, used: dict[str, Path]) -> str:
    """Return a name that is not taken yet: two paths may be joined to the same one."""
    number = 2
    unused = name
    while unused in used:
        unused, number = f"{name}-{number}", number + 1
    return unused


def _list(lines: Sequence[str]) -> str:
    shown = "; ".join(lines[:_SHOWN])
    more = len(lines) - _SHOWN
    return shown + (f"; and {more} more" if more > 0 else "")
