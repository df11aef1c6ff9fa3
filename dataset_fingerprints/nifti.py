"""NIfTI files through nibabel, which keeps the affine as stored, sheared ones too."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.atomic import replacing
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Grid, make_grid
from dataset_fingerprints.stored import Header, RefusedError, Stored, make_stored_grid, one_line, truncation

SUFFIXES = (".nii.gz", ".nii")

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


def read_header(path: Path) -> Header:
    """Read shape, affine and channels: the fourth axis.

    Raises:
        RefusedError: nibabel cannot read the header.
        DataError: the header is read but describes no image of ours.
    """
    return _header_of(path, _open(path))


def read_voxels(path: Path, dtype: type[np.floating] | None) -> Stored:
    """Read the voxels, with the header's scaling applied; without `dtype`, integers without scaling stay as stored.

    Raises:
        RefusedError: nibabel cannot read the header.
        DataError: the voxels end early or are damaged.
    """
    image = _open(path)
    header = _header_of(path, image)
    try:
        stored = image.get_fdata(dtype=dtype, caching="unchanged") if dtype else np.asanyarray(image.dataobj)
    except EOFError as error:
        raise DataError(f"{path}: is truncated: {truncation(path)}. Copy the file again from its source.") from error
    except _READ_ERRORS as error:
        raise DataError(
            f"{path}: the header is fine but the voxels end early or are damaged ({one_line(error)}). "
            "Copy the file again from its source."
        ) from error
    return Stored(voxels=np.moveaxis(stored.reshape(*header.grid.shape, -1), -1, 0), header=header)


def write(path: Path, labels: NDArray[np.integer[Any]], grid: Grid) -> None:
    """Write (i, j, k) labels on a grid, atomically."""
    header = nibabel.Nifti1Header()
    header.set_xyzt_units("mm")
    header.set_data_dtype(labels.dtype)
    image = nibabel.Nifti1Image(labels, grid.matrix(), header)
    image.set_sform(grid.matrix(), code=1)
    image.set_qform(grid.matrix(), code=1)
    with replacing(path) as temporary:
        nibabel.save(image, temporary)


def _open(path: Path) -> nibabel.Nifti1Image:
    try:
        image: nibabel.Nifti1Image = nibabel.load(path, mmap=False)  # type: ignore[assignment]
    except _READ_ERRORS as error:
        raise RefusedError(one_line(error)) from error
    if image.get_data_dtype().fields:
        raise RefusedError("voxels are colours")
    return image


def _header_of(path: Path, image: nibabel.Nifti1Image) -> Header:
    """Describe the file; its grid is the sform's if there is one, else the qform's (nibabel's rule)."""
    if len(image.shape) > 4 and any(length > 1 for length in image.shape[4:]):
        raise DataError(f"{path}: has {len(image.shape)} axes. Expected x, y, z and at most one axis of channels.")
    grid = make_stored_grid(path, image.shape, image.affine)
    channels = int(image.shape[3]) if len(image.shape) > 3 else 1
    return Header(grid=grid, channels=channels, qform=_rival_qform(image, grid))


def _rival_qform(image: nibabel.Nifti1Image, grid: Grid) -> Grid | None:
    try:
        qform, code = image.get_qform(coded=True)
    except _READ_ERRORS:
        return None  # its quaternion is none
    return make_grid(grid.shape, qform) if code > 0 and image.header["sform_code"] > 0 else None
