"""NIfTI files: headers through nibabel, which keeps the affine as stored, sheared ones too; voxels as they come.

The voxels are read here, into memory that is taken as they arrive: a file that declares more than it holds costs no
more than what it holds.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, BinaryIO

import nibabel
import numpy as np
from isal import igzip
from nibabel.volumeutils import apply_read_scaling
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import replacing, write_bytes
from dataset_fingerprints.geometry import Grid
from dataset_fingerprints.reading.guards.memory import refuse_too_large
from dataset_fingerprints.reading.guards.payloads import is_surplus, refuse_impossible_ratio, say_surplus, say_truncated
from dataset_fingerprints.reading.nifti_header import (
    PAIR_SUFFIXES,
    READ_ERRORS,
    describe_header,
    opened,
    read_place,
    unit_of,
)
from dataset_fingerprints.reading.stored import (
    Header,
    Stored,
    is_packed,
    one_line,
    read_to_end,
    truncation,
)

# isal's level 2 packs masks to half the size of zlib's level 1, which nibabel uses, in half the time.
_COMPRESSION = 2

_PIECE = 1 << 24
# What a mask takes over from the header of its scan: where the voxels lie, twice, and in which unit.
_PLACE = (
    *("xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d"),
    *("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"),
)
_LONGEST_AXIS = 32767  # of NIfTI-1


def read_header(path: Path) -> Header:
    """Read shape, affine and channels: the fourth axis, or the fifth where the fourth has length 1.

    Raises:
        RefusedError: nibabel cannot read the header.
        DataError: the header is read but describes no image of ours.
    """
    with opened(path) as (raw, _, block):
        return describe_header(path, raw, block)


def read_voxels(path: Path, dtype: type[np.floating] | None) -> Stored:
    """Read the voxels, with the header's scaling applied; without `dtype`, integers without scaling stay as stored.

    Raises:
        RefusedError: nibabel cannot read the header.
        DataError: the voxels end early or are damaged, or do not fit into memory.
    """
    with opened(path) as (raw, stream, block):
        header = describe_header(path, raw, block)
        scaling = _scaling_of(path, raw)
        try:
            stored = _read_stored(path, raw, stream)
        except EOFError as error:
            raise DataError(f"{path}: {truncation(path)}. Copy the file again from its source.") from error
        except READ_ERRORS as error:
            raise DataError(
                f"{path}: the header is fine but the voxels end early or are damaged: the file is truncated or was "
                f"changed ({one_line(error)}). Copy the file again from its source."
            ) from error
    # What overflows becomes infinite, which is refused by its voxels.
    with np.errstate(all="ignore"):
        voxels = _scale(stored, scaling, dtype)
    return Stored(voxels=np.moveaxis(voxels.reshape(*header.grid.shape, -1), -1, 0), header=header)


def write(path: Path, labels: NDArray[np.integer[Any]], grid: Grid, source: Header | None) -> None:
    """Write (i, j, k) labels on a grid, atomically; the same labels give the same bytes.

    Args:
        path: where to.
        labels: in a type that NIfTI knows.
        grid: of the labels.
        source: the header of the scan that they belong to: they get its number of axes, and of a NIfTI its units,
            codes and both affines.

    Raises:
        DataError: the format is two files.
    """
    if path.suffix.lower() in PAIR_SUFFIXES:
        raise DataError(
            f"{path}: {path.suffix} is one of two files, which cannot be replaced in one step. Write .nii.gz instead."
        )
    content = _build(labels, grid, source).to_bytes()
    packed = path.suffix.lower() == ".gz"
    # The time is left out of the gzip header.
    write_bytes(path, igzip.compress(content, _COMPRESSION, mtime=0) if packed else content)


def write_map(path: Path, values: NDArray[np.float32], grid: Grid, source: Header | None) -> None:
    """Write (i, j, k) numbers on a grid as .nii.gz, atomically, slice by slice; the same numbers give the same bytes.

    Args:
        path: where to.
        values: in any order in memory, of which no copy is made.
        grid: of the values.
        source: the header of the scan that they belong to, as for `write`.
    """
    # The image has the right header, and no voxels.
    image = _build(np.broadcast_to(np.float32(0), values.shape), grid, source)
    image.update_header()
    header = image.header.copy()
    header.set_data_offset(header.single_vox_offset)
    with (
        replacing(path) as temporary,
        temporary.open("wb") as raw,
        igzip.IGzipFile(filename="", mode="wb", fileobj=raw, compresslevel=_COMPRESSION, mtime=0) as stream,
    ):
        header.write_to(stream)
        for number in range(values.shape[2]):
            stream.write(values[:, :, number].astype("<f4", copy=False).tobytes(order="F"))


def _build(labels: NDArray[Any], grid: Grid, source: Header | None) -> nibabel.Nifti1Image:
    place = None if source is None or source.nifti is None else read_place(source.nifti)
    # SimpleITK reads no NIfTI-2.
    kind: Any = nibabel.Nifti2Image if max(grid.shape) > _LONGEST_AXIS else nibabel.Nifti1Image
    header = kind.header_class()
    header.set_xyzt_units("mm")
    header.set_data_dtype(labels.dtype)
    flat = source is not None and source.axes == 2 and grid.shape[2] == 1
    header.set_sform(grid.matrix(), code=1)
    header.set_qform(grid.matrix(), code=1)
    if place is not None and source is not None:
        _take_over(header, place, straightened=source.grid != grid)
    # Without an affine, nibabel leaves the header's as they are.
    image: nibabel.Nifti1Image = kind(labels[:, :, 0] if flat else labels, None, header)
    return image


def _take_over(header: nibabel.Nifti1Header, place: nibabel.Nifti1Header, *, straightened: bool) -> None:
    """Give a mask's header the place of its scan's: as stored, or only units and codes where the axes were changed."""
    if straightened:
        to_unit = 1 / unit_of(place)[1]
        forms = (np.diag([to_unit] * 3 + [1.0]) @ header.get_sform(), int(place["sform_code"]))
        header.set_sform(*forms)
        header.set_qform(forms[0], int(place["qform_code"]))
        header["xyzt_units"] = place["xyzt_units"]
        return
    for name in _PLACE:
        header[name] = place[name]
    header["pixdim"][:4] = place["pixdim"][:4]
    header["pixdim"][1:4] = np.abs(header["pixdim"][1:4])


def _scaling_of(path: Path, raw: nibabel.Nifti1Header) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0 or NaN stands for none (the format's rule, and nibabel's)."""
    slope, intercept = float(raw["scl_slope"]), float(raw["scl_inter"])
    if slope == 0 or math.isnan(slope):
        return 1.0, 0.0
    if not math.isfinite(slope) or not math.isfinite(intercept):
        raise DataError(
            f"{path}: its header scales intensities by {slope:g} and adds {intercept:g}. Expected finite numbers: "
            "correct scl_slope and scl_inter."
        )
    return slope, intercept


def _read_stored(path: Path, raw: nibabel.Nifti1Header, stream: BinaryIO) -> NDArray[Any]:
    """Read the values as they are stored, in memory that is taken as they arrive."""
    kind, shape = raw.get_data_dtype(), tuple(int(length) for length in raw.get_data_shape())
    size, start = math.prod(shape) * kind.itemsize, int(raw.get_data_offset())
    length = os.fstat(stream.fileno()).st_size  # packed, if it is
    if is_packed(stream):
        refuse_impossible_ratio(path, length, start + size)
    elif length < start + size:
        raise DataError(say_truncated(path, max(0, length - start), size))
    refuse_too_large(path, math.prod(shape) * (kind.itemsize + np.dtype(np.float32).itemsize))
    content = np.empty(size, np.uint8)
    skipped = _skip(stream, start)
    found = _fill(stream, content.data) if skipped == start else 0
    extra = read_to_end(stream)
    if found < size:
        raise DataError(say_truncated(path, found, size))
    if is_surplus(extra, math.prod(shape[:2]) * kind.itemsize):
        raise DataError(say_surplus(path, extra, size))
    stored: NDArray[Any] = np.ndarray(shape, kind, content.data, order="F")
    return stored


def _skip(stream: BinaryIO, length: int) -> int:
    """Read on by so many bytes; return how many there were."""
    left = length
    while left and (piece := stream.read(min(left, _PIECE))):
        left -= len(piece)
    return length - left


def _fill(stream: BinaryIO, target: memoryview) -> int:
    """Read until the target is full or the stream ends; return how many bytes there were."""
    found = 0
    while found < len(target) and (count := stream.readinto(target[found : found + _PIECE])):  # type: ignore[attr-defined]
        found += count
    return found


def _scale(stored: NDArray[Any], scaling: tuple[float, float], dtype: type[np.floating] | None) -> NDArray[Any]:
    """Apply slope and intercept in double precision, as nibabel does; without `dtype`, 1 and 0 change nothing."""
    slope, intercept = (np.float64(value) for value in scaling)
    scaled: NDArray[Any] = apply_read_scaling(stored, slope, intercept)
    return scaled if dtype is None else scaled.astype(dtype, copy=False)
