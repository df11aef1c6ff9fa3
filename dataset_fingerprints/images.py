"""Reading and writing images: canonical RAS+ arrays inside, the file's own grid outside."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.atomic import replacing
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import (
    Grid,
    canonical_grid,
    find_reorientation,
    from_canonical,
    make_grid,
    to_canonical,
)

IMAGE_SUFFIXES = (".nii.gz", ".nii")

# A damaged or foreign file shows itself through one of these, depending on where the damage lies.
_READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    gzip.BadGzipFile,
    nibabel.filebasedimages.ImageFileError,
    nibabel.spatialimages.HeaderDataError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A scan in canonical RAS+ axes and the grid of the file that it came from.

    Attributes:
        voxels: (channel, x, y, z), canonical RAS+.
        source_grid: the grid as stored in the file.
    """

    voxels: NDArray[Any]
    source_grid: Grid

    def grid(self) -> Grid:
        """Return the canonical grid that `voxels` lies on."""
        return canonical_grid(self.source_grid)


def case_stem(path: Path) -> str:
    """Return a file's name without its image suffix."""
    for suffix in IMAGE_SUFFIXES:
        if path.name.endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def is_image(path: Path) -> bool:
    """Tell whether the name is that of an image file that can be read (hidden files are not)."""
    return path.name.endswith(IMAGE_SUFFIXES) and not path.name.startswith(".")


def read_grid(path: Path) -> Grid:
    """Read only the header of an image file: shape and affine as stored."""
    return _grid_of(path, _open(path))


def read_channel_count(path: Path) -> int:
    """Read from the header how many channels the file holds: the length of its fourth axis, else 1."""
    shape = _open(path).shape
    return int(shape[3]) if len(shape) > 3 else 1


def read_image(paths: Sequence[Path]) -> Image:
    """Read the channels of a case, one file each or all in one 4D file.

    Returns:
        float32 voxels, with the file's intensity scaling applied.

    Raises:
        DataError: a file cannot be read, or the channels' grids differ.
    """
    parts, grids = zip(*(_read(path, np.float32) for path in paths), strict=True)
    for path, grid in zip(paths[1:], grids[1:], strict=True):
        if grid.shape != grids[0].shape:
            raise DataError(
                f"{path}: is {_times(grid.shape)} voxels but {paths[0].name} is {_times(grids[0].shape)}. "
                "All channels of a case must share one grid: resample one onto the other, then run again."
            )
    return Image(voxels=np.concatenate(parts), source_grid=grids[0])


def read_label_map(path: Path) -> Image:
    """Read a label file; voxels keep the stored number type, so that 0.9999 can still be told from 1."""
    voxels, grid = _read(path, None)
    if voxels.shape[0] != 1:
        raise DataError(f"{path}: holds {voxels.shape[0]} volumes. A label file holds one 3D volume of integers.")
    return Image(voxels=voxels, source_grid=grid)


def write_label_map(path: Path, labels: NDArray[np.integer], source_grid: Grid) -> None:
    """Write a label map on the grid of the scan it belongs to, atomically.

    Args:
        path: ends in .nii.gz or .nii.
        labels: (x, y, z) in canonical RAS+ axes, as integers.
        source_grid: the grid to write on, as `read_image` gave it.
    """
    stored = np.ascontiguousarray(from_canonical(labels, find_reorientation(source_grid)))
    if stored.shape != source_grid.shape:
        raise ValueError(f"label map of shape {stored.shape} does not fit the grid {source_grid.shape}")
    header = nibabel.Nifti1Header()
    header.set_xyzt_units("mm")
    header.set_data_dtype(stored.dtype)
    image = nibabel.Nifti1Image(stored, source_grid.matrix(), header)
    image.set_sform(source_grid.matrix(), code=1)
    image.set_qform(source_grid.matrix(), code=1)
    with replacing(path) as temporary:
        nibabel.save(image, temporary)


def _open(path: Path) -> nibabel.Nifti1Image:
    if not path.is_file():
        raise DataError(f"{path}: does not exist. Expected an image file ({', '.join(IMAGE_SUFFIXES)}).")
    try:
        image: nibabel.Nifti1Image = nibabel.load(path, mmap=False)  # type: ignore[assignment]
        return image
    except _READ_ERRORS as error:
        raise DataError(f"{path}: cannot be read as an image ({_one_line(error)}). Replace the file.") from error


def _read(path: Path, dtype: type[np.floating] | None) -> tuple[NDArray[Any], Grid]:
    """Return (channel, x, y, z) canonical voxels and the stored grid."""
    image = _open(path)
    grid = _grid_of(path, image)
    try:
        stored = image.get_fdata(dtype=dtype, caching="unchanged") if dtype else np.asanyarray(image.dataobj)
    except _READ_ERRORS as error:
        raise DataError(
            f"{path}: the header is fine but the voxels end early or are damaged ({_one_line(error)}). "
            "Copy the file again from its source."
        ) from error
    volumes = stored.reshape(*grid.shape, -1)
    return to_canonical(np.moveaxis(volumes, -1, 0), find_reorientation(grid)), grid


def _grid_of(path: Path, image: nibabel.Nifti1Image) -> Grid:
    shape = (*image.shape, 1, 1)[:3] if len(image.shape) < 3 else image.shape[:3]
    if len(image.shape) > 4 and any(length > 1 for length in image.shape[4:]):
        raise DataError(f"{path}: has {len(image.shape)} axes. Expected x, y, z and at most one axis of channels.")
    affine = image.affine
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or (lengths <= 0).any():
        raise DataError(
            f"{path}: the header's affine is not usable (voxel sizes {lengths.tolist()}). "
            "Expected three positive sizes in mm: mend the header, for example with SimpleITK."
        )
    return make_grid(shape, affine)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


def _times(shape: Sequence[int]) -> str:
    return "x".join(str(length) for length in shape)
