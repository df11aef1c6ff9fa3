"""Content of an image file as a library reads it, before its axes become canonical."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from isal import igzip, isal_zlib
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Grid, TripleFloat, make_grid, show_lengths
from dataset_fingerprints.tolerances import LARGEST_VOXEL_MM, PARALLEL_AXES, SMALLEST_VOXEL_MM

GZIP_MAGIC = b"\x1f\x8b"
# Of ITK and DICOM, to ours.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

_ISAL_ERROR = cast("type[Exception]", isal_zlib.error)  # typed as an instance
# What damage in a gzip stream shows itself through.
GZIP_ERRORS: tuple[type[Exception], ...] = (OSError, zlib.error, gzip.BadGzipFile, _ISAL_ERROR)

# How ITK begins a message: with the place of an object in memory.
_ITK_OBJECT = re.compile(r"\w+\(0x[0-9a-f]+\): ")


class RefusedError(Exception):
    """A library cannot make sense of a file's header; another one may."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A file's grid and the number of its channels.

    Attributes:
        qform: where a NIfTI's qform places the voxels; None where the file does not have both qform and sform.
        axes: the number of the file's axes in space: 2 for a flat image, which gets a flat mask.
        unit: the unit of length of a NIfTI that is not in mm ("micron", "meter"); its lengths were converted.
        pixdim_mm: the voxel sizes that a NIfTI with an sform also gives as plain numbers.
        nifti: a NIfTI's binary header; what of it a mask keeps is read from there.
        assumptions: sentences on what the file leaves out of the place of its voxels, and what was taken instead.
    """

    grid: Grid
    channels: int
    qform: Grid | None = None
    axes: int = 3
    unit: str = ""
    pixdim_mm: TripleFloat | None = None
    nifti: bytes | None = None
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """Voxels (channel, i, j, k) along the axes of the file, and its header."""

    voxels: NDArray[Any]
    header: Header


def make_stored_grid(path: Path, shape: tuple[int, ...], affine: NDArray[np.floating]) -> Grid:
    """Build the grid of a file; `shape` may have fewer than three axes.

    Raises:
        DataError: the affine does not place voxels in space.
    """
    if not shape or min(shape) < 1:
        raise DataError(
            f"{path}: its header declares {show_lengths(shape) or 'no'} voxels. Expected at least one along each axis: "
            "export the scan again."
        )
    # What overflows is refused.
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or not ((lengths >= SMALLEST_VOXEL_MM) & (lengths < LARGEST_VOXEL_MM)).all():
        sizes = " x ".join(f"{length:.6g}" for length in lengths)
        raise DataError(
            f"{path}: the header's affine is not usable (voxel sizes {sizes} mm). Expected three sizes from "
            f"{SMALLEST_VOXEL_MM:g} to {LARGEST_VOXEL_MM:g} mm: correct the header, for example with SimpleITK."
        )
    if abs(np.linalg.det(affine[:3, :3] / lengths)) < PARALLEL_AXES:
        raise DataError(
            f"{path}: the header's affine is not usable: two of its axes run in the same direction. Expected three "
            "directions: correct the header, for example with SimpleITK."
        )
    return make_grid((*shape, 1, 1)[:3], affine)


def cannot_open(path: Path, error: OSError | ValueError) -> DataError:
    """Return the error of a file that the system does not open."""
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return DataError(f"{path}: cannot be opened ({reason}). See that it is a file you may read.")


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, through isal where it is a gzip stream: four to six times as fast as zlib.

    Raises:
        DataError: the file cannot be opened.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise cannot_open(path, error) from error
    with raw:
        if raw.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC):
            with igzip.open(raw) as unpacked:
                yield cast("BinaryIO", unpacked)
        else:
            yield raw


def is_packed(stream: BinaryIO) -> bool:
    """Return whether `open_unpacked` unpacks what it gives."""
    return isinstance(stream, igzip.IGzipFile)


def read_to_end(stream: BinaryIO) -> int:
    """Read what is left, so that the checksum at the end of a gzip stream is compared; return how much it was."""
    left = 0
    while piece := stream.read(1 << 20):
        left += len(piece)
    return left


def refuse_damaged_gzip(path: Path) -> None:
    """Raise a DataError if the file is a gzip stream that ends early or is damaged.

    SimpleITK reads such a NIfTI without complaint, with zeros or noise where the stream ends.
    """
    try:
        with open_unpacked(path) as stream:
            read_to_end(stream)
    except EOFError as error:
        raise DataError(f"{path}: {truncation(path)}. Copy the file again from its source.") from error
    except GZIP_ERRORS as error:
        raise DataError(
            f"{path}: is damaged: its gzip stream cannot be unpacked ({one_line(error)}). "
            "Copy the file again from its source."
        ) from error


def truncation(path: Path) -> str:
    """Say where a truncated gzip file ends."""
    return f"is truncated: its gzip stream breaks off after {path.stat().st_size} bytes"


def one_line(error: Exception) -> str:
    """Return the start of an error's message on one line."""
    return " ".join(str(error).split())[:160] or type(error).__name__


def itk_reason(error: Exception) -> str:
    """Return the end of SimpleITK's message on one line, without the source lines and the object in front of it."""
    text = _ITK_OBJECT.sub("", str(error).split("ERROR:")[-1])
    return " ".join(text.split())[-160:].strip(" .") or type(error).__name__
