"""NIfTI files through nibabel, which keeps the affine as stored, sheared ones too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import IOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

import nibabel
import numpy as np
from isal import igzip
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.geometry import Grid, make_grid
from dataset_fingerprints.reading.stored import (
    GZIP_ERRORS,
    Header,
    RefusedError,
    Stored,
    make_stored_grid,
    one_line,
    open_unpacked,
    read_to_end,
    truncation,
)

SUFFIXES = (".nii.gz", ".nii")

# isal's level 2 packs masks to half the size of zlib's level 1, which nibabel uses, in half the time.
_COMPRESSION = 2

_HEADER_BYTES = 540  # of NIfTI-2; NIfTI-1 has 348

# A damaged or foreign file shows itself through one of these, depending on where the damage lies.
_READ_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    *GZIP_ERRORS,
    nibabel.filebasedimages.ImageFileError,
    nibabel.spatialimages.HeaderDataError,
)


def read_header(path: Path) -> Header:
    """Read shape, affine and channels: the fourth axis.

    Raises:
        RefusedError: nibabel cannot read the header.
        DataError: the header is read but describes no image of ours.
    """
    with _opened(path) as (image, _):
        return _header_of(path, image)


def read_voxels(path: Path, dtype: type[np.floating] | None) -> Stored:
    """Read the voxels, with the header's scaling applied; without `dtype`, integers without scaling stay as stored.

    Raises:
        RefusedError: nibabel cannot read the header.
        DataError: the voxels end early or are damaged.
    """
    with _opened(path) as (image, stream):
        header = _header_of(path, image)
        try:
            stored = image.get_fdata(dtype=dtype, caching="unchanged") if dtype else np.asanyarray(image.dataobj)
            read_to_end(stream)
        except EOFError as error:
            raise DataError(f"{path}: {truncation(path)}. Copy the file again from its source.") from error
        except _READ_ERRORS as error:
            raise DataError(
                f"{path}: the header is fine but the voxels end early or are damaged: the file is truncated or was "
                f"changed ({one_line(error)}). Copy the file again from its source."
            ) from error
    return Stored(voxels=np.moveaxis(stored.reshape(*header.grid.shape, -1), -1, 0), header=header)


def write(path: Path, labels: NDArray[np.integer[Any]], grid: Grid) -> None:
    """Write (i, j, k) labels on a grid, atomically; the same labels give the same bytes."""
    header = nibabel.Nifti1Header()
    header.set_xyzt_units("mm")
    header.set_data_dtype(labels.dtype)
    image = nibabel.Nifti1Image(labels, grid.matrix(), header)
    image.set_sform(grid.matrix(), code=1)
    image.set_qform(grid.matrix(), code=1)
    content = image.to_bytes()
    packed = path.name.endswith(".gz")
    # The time is left out of the gzip header.
    write_bytes(path, igzip.compress(content, _COMPRESSION, mtime=0) if packed else content)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[nibabel.Nifti1Image, BinaryIO]]:
    """Open a file, packed or not whatever its name says, and read its header; voxels are read while it is open."""
    with open_unpacked(path) as stream:
        try:
            kind = _find_kind(stream)
            image = kind.from_file_map(kind.make_file_map({"image": cast("IOBase", stream)}), mmap=False)
        except _READ_ERRORS as error:
            raise RefusedError(one_line(error)) from error
        if image.get_data_dtype().fields:
            raise RefusedError("voxels are colours")
        yield image, stream


def _find_kind(stream: BinaryIO) -> type[nibabel.Nifti1Image]:
    start = stream.peek(_HEADER_BYTES)  # type: ignore[attr-defined]
    for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image):
        if kind.header_class.may_contain_header(start):
            return kind
    raise ValueError("the file does not begin with a NIfTI header")


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
        return None  # its quaternion is not valid
    return make_grid(grid.shape, qform) if code > 0 and image.header["sform_code"] > 0 else None
