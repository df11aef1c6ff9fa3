"""Reading and writing images: canonical RAS+ arrays inside, the file's own grid outside."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import (
    Grid,
    canonical_grid,
    find_reorientation,
    from_canonical,
    skew_degrees,
    straighten,
    to_canonical,
)
from dataset_fingerprints.reading import dicom, itk, nifti, nifti_header, pictures
from dataset_fingerprints.reading.alignment import overlap, resample_onto, same_place
from dataset_fingerprints.reading.guards import refuse_irregular
from dataset_fingerprints.reading.mapped_labels import find_target, is_mapped, map_values, read_mapping
from dataset_fingerprints.reading.mask_folders import MaskFiles, join_parts, sort_masks
from dataset_fingerprints.reading.soft_masks import binarise
from dataset_fingerprints.reading.stored import Header, RefusedError, refuse_damaged_gzip
from dataset_fingerprints.tolerances import RIGHT_ANGLE_DEGREES, STRAIGHTENED_DEGREES

# Longest first, so that .nii.gz is never taken for something else.
IMAGE_SUFFIXES = tuple(
    sorted(
        (*nifti_header.SUFFIXES, nifti_header.VOXEL_SUFFIX, *itk.VOLUME_SUFFIXES, *itk.PICTURE_SUFFIXES),
        key=lambda suffix: -len(suffix),
    )
)

_log = logging.getLogger(__name__)

_Found = TypeVar("_Found")


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A scan in canonical RAS+ axes and the grid of the file that it came from.

    Attributes:
        voxels: (channel, x, y, z), canonical RAS+.
        source_grid: the grid as stored in the file, its axes straightened if they are nearly at right angles.
        header: of the file; of the first one where there are several.
    """

    voxels: NDArray[Any]
    source_grid: Grid
    header: Header

    def grid(self) -> Grid:
        """Return the canonical grid that `voxels` lies on."""
        return canonical_grid(self.source_grid)


def suffix_of(path: Path) -> str:
    """Return the image suffix of a file's name in lower case; "" where it has none."""
    for suffix in (*IMAGE_SUFFIXES, nifti_header.HEADER_SUFFIX):
        if path.name[-len(suffix) :].lower() == suffix:
            return suffix
    return ""


def case_stem(path: Path) -> str:
    """Return a file's name without its image suffix, which the folder of a DICOM series does not have.

    Names are compared by it: an accent is one character, however the disk stores it (Unicode's form NFC).
    """
    return unicodedata.normalize("NFC", path.name[: len(path.name) - len(suffix_of(path))])


def is_image(path: Path) -> bool:
    """Return whether the name is that of an image file that can be read (hidden files are not).

    Of two files that hold an image together, the one with the voxels is the image.
    """
    return suffix_of(path) in IMAGE_SUFFIXES and not path.name.startswith(".")


def is_series(path: Path) -> bool:
    """Return whether the path is a folder with a DICOM series in it."""
    return path.is_dir() and dicom.holds_series(path)


def read_grid(path: Path) -> Grid:
    """Read only the header of an image file: shape and affine as `Image.source_grid`."""
    if is_mapped(path):
        return read_grid(find_target(path, read_mapping(path)))
    masks = find_masks(path)
    return _settle(_read_header(path if masks is None else masks.main).grid)


def read_channel_count(path: Path) -> int:
    """Read from the header how many channels the file holds: its fourth axis or the values per voxel, else 1."""
    return _read_header(path).channels


def read_image(paths: Sequence[Path]) -> Image:
    """Read the channels of a case, one file each or all in one file; a path may be the folder of a DICOM series.

    Returns:
        float32 voxels on the grid of the first file, with the files' intensity scaling applied.

    Raises:
        DataError: a file cannot be read, or the channels do not overlap in space.
    """
    return join_channels([read_channels(path) for path in paths])


def read_channels(path: Path, series: str = "") -> Image:
    """Read the channels that one file holds.

    Args:
        path: a file, or the folder of DICOM series.
        series: which series of a folder, by description or SeriesInstanceUID; of no meaning for a file.

    Returns:
        float32 voxels, with the file's intensity scaling applied.

    Raises:
        DataError: the file cannot be read.
    """
    return _read(path, np.float32, series)


def join_channels(images: Sequence[Image]) -> Image:
    """Put the channels of a case into one array, on the grid of the first image.

    An image on another grid is resampled (see `alignment`).

    Args:
        images: in the order of the channels.

    Raises:
        DataError: an image does not overlap the first one in space.
    """
    start, *others = images
    if not others:
        return start
    target = start.grid()
    aligned = [start.voxels]
    for number, image in enumerate(others, start=2):
        if same_place(target, image.grid()):
            aligned.append(image.voxels)
        elif overlap(target, image.grid()):
            aligned.append(resample_onto(image.voxels, image.grid(), target))
        else:
            raise DataError(f"file {number} of the scan does not overlap the first in space. Correct the wrong header.")
    return replace(start, voxels=np.concatenate(aligned))


def read_label_map(path: Path) -> Image:
    """Read a label file; voxels keep the stored number type, so that 0.9999 still differs from 1.

    A picture in grey levels stored as colours, which every .bmp is, counts as one channel; see `pictures` for palettes.
    A folder of a main mask and its sub-masks is a label map, too; see `mask_folders`. So is a file that gives the
    values of another one new meanings; see `mapped_labels`.
    """
    if is_mapped(path):
        mapping = read_mapping(path)
        stored = read_label_map(find_target(path, mapping))
        return replace(stored, voxels=map_values(path, stored.voxels, mapping))
    if (masks := find_masks(path)) is not None:
        return _join_masks(path, masks)
    image = _read(path, None)
    voxels = image.voxels
    if _is_picture(path) and voxels.shape[0] == 3:
        if not (voxels == voxels[:1]).all():
            raise DataError(
                f"{path}: its pixels are colours. A label file holds an integer per pixel: save it in grey levels, or "
                "with a palette whose indices are the labels."
            )
        voxels = voxels[:1]
    if voxels.shape[0] != 1:
        raise DataError(f"{path}: holds {voxels.shape[0]} volumes. A label file holds one 3D volume of integers.")
    refuse_wide_labels(path, voxels)
    return replace(image, voxels=voxels)


def find_masks(path: Path) -> MaskFiles | None:
    """Return the masks in a folder that stands for a label map; None for anything else."""
    if not path.is_dir():
        return None
    return sort_masks([file for file in sorted(path.iterdir()) if is_image(file)])


def _join_masks(folder: Path, masks: MaskFiles) -> Image:
    """Read the masks of a folder as one label map on the grid of the main mask.

    Raises:
        DataError: a mask cannot be read, or lies on another grid.
    """
    main = read_label_map(masks.main)
    marked = np.zeros(main.voxels[0].shape, dtype=np.bool_)
    for file in masks.subs:
        other = read_label_map(file)
        if not same_place(main.grid(), other.grid()):
            raise DataError(
                f"{folder}: {file.name} lies on another grid than {masks.main.name}. Resample it onto that one."
            )
        marked |= binarise(other.voxels[0], str(file))
    labels = join_parts(binarise(main.voxels[0], str(masks.main)), marked)
    return replace(main, voxels=labels[None])


def write_label_map(path: Path, labels: NDArray[np.integer], source_grid: Grid, source: Header | None = None) -> None:
    """Write a label map on the grid of the scan it belongs to, atomically.

    Args:
        path: the suffix chooses the format: one of `IMAGE_SUFFIXES` but .mhd and .img, which are two files.
        labels: (x, y, z) in canonical RAS+ axes, as integers.
        source_grid: the grid to write on, as `read_image` gave it.
        source: the header of that scan: its mask gets as many axes, and that of a NIfTI its units and both affines.

    Raises:
        DataError: the format cannot hold this grid or these labels.
    """
    stored = np.ascontiguousarray(from_canonical(labels, find_reorientation(source_grid)))
    if stored.shape != source_grid.shape:
        raise ValueError(f"label map of shape {stored.shape} does not fit the grid {source_grid.shape}")
    if not suffix_of(path):
        raise DataError(f"{path}: has no suffix of an image file. Choose one of {', '.join(IMAGE_SUFFIXES)}.")
    refuse_wide_labels(path, stored)
    write = nifti.write if suffix_of(path) in (*nifti_header.SUFFIXES, *nifti_header.PAIR_SUFFIXES) else itk.write
    write(path, stored, source_grid, source)


def write_map(path: Path, values: NDArray[np.float32], source_grid: Grid, source: Header | None = None) -> None:
    """Write numbers as .nii.gz on the grid of the scan that they were made for; without copies of them.

    Args:
        path: of the file.
        values: (x, y, z) in canonical RAS+ axes.
        source_grid: the grid to write on, as `read_image` gave it.
        source: the header of that scan, as for `write_label_map`.
    """
    stored = from_canonical(values, find_reorientation(source_grid))
    if stored.shape != source_grid.shape:
        raise ValueError(f"map of shape {stored.shape} does not fit the grid {source_grid.shape}")
    nifti.write_map(path, stored, source_grid, source)


def refuse_wide_labels(path: Path, labels: NDArray[Any]) -> None:
    """Raise a DataError if values lie beyond those of 32 bits, which not all number types of label files hold.

    Args:
        path: of the file, for the message.
        labels: of any number type; what is not finite is left to those who look for whole numbers.
    """
    limits = np.iinfo(np.int32)
    if np.can_cast(labels.dtype, np.int32) or not labels.size:
        return
    with np.errstate(invalid="ignore"):
        low, high = labels.min(), labels.max()
    if not np.isfinite([low, high]).all():
        return
    if low < limits.min or high > limits.max:
        raise DataError(
            f"{path}: holds values from {low} to {high}. Expected labels of {limits.min} to {limits.max}: number them "
            "from 1, and see that it is a label map."
        )


def _read(path: Path, dtype: type[np.floating] | None, series: str = "") -> Image:
    refuse_irregular(path)
    by_suffix = pictures.read_voxels if _is_picture(path) else itk.read_voxels
    by_itk = partial(dicom.read_voxels, series=series) if path.is_dir() else by_suffix
    try:
        stored = _read_by(path, partial(nifti.read_voxels, dtype=dtype), partial(by_itk, dtype=dtype))
    except MemoryError as error:
        raise DataError(f"{path}: its voxels do not fit into memory. Free memory, or resample the scan.") from error
    grid = _settle(stored.header.grid)
    voxels = to_canonical(stored.voxels, find_reorientation(grid))
    return Image(voxels=voxels, source_grid=grid, header=stored.header)


def _read_header(path: Path) -> Header:
    refuse_irregular(path)
    by_itk = pictures.read_header if _is_picture(path) else itk.read_header
    return _read_by(path, nifti.read_header, dicom.read_header if path.is_dir() else by_itk)


def _is_picture(path: Path) -> bool:
    return suffix_of(path) in itk.PICTURE_SUFFIXES


def _settle(grid: Grid) -> Grid:
    """Straighten axes that are off right angles by more than rounding, but by so little that it moves no voxel."""
    return straighten(grid) if RIGHT_ANGLE_DEGREES < skew_degrees(grid) <= STRAIGHTENED_DEGREES else grid


def _read_by(path: Path, by_nibabel: Callable[[Path], _Found], by_itk: Callable[[Path], _Found]) -> _Found:
    """Read a NIfTI file by nibabel, or by SimpleITK where nibabel refuses it; everything else by SimpleITK."""
    readers = {"nibabel": by_nibabel, "SimpleITK": by_itk}
    if path.is_dir() or suffix_of(path) in itk.VOLUME_SUFFIXES + itk.PICTURE_SUFFIXES:
        del readers["nibabel"]
    refusals = []
    for library, read in readers.items():
        try:
            return read(path)
        except RefusedError as error:
            _log.info("%s: %s refuses the file (%s)", path, library, error)
            reason = str(error).replace(f' for "{path}"', "")  # the name is in front of the whole message
            refusals.append(f"{library}: {reason}")
            refuse_damaged_gzip(path)
    raise DataError(f"{path}: cannot be read as an image ({'; '.join(refusals)}). Replace the file.")
