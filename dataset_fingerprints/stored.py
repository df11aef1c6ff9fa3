"""What a library finds in an image file, before its axes become canonical."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Grid, make_grid

GZIP_MAGIC = b"\x1f\x8b"


class RefusedError(Exception):
    """A library cannot make sense of a file's header; another one may."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A file's grid and the number of its channels.

    Attributes:
        qform: where a NIfTI's qform places the voxels; None where the file does not have both qform and sform.
    """

    grid: Grid
    channels: int
    qform: Grid | None = None


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
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or (lengths <= 0).any():
        raise DataError(
            f"{path}: the header's affine is not usable (voxel sizes {lengths.tolist()}). "
            "Expected three positive sizes in mm: mend the header, for example with SimpleITK."
        )
    return make_grid((*shape, 1, 1)[:3], affine)


def refuse_damaged_gzip(path: Path) -> None:
    """Raise a DataError if the file is a gzip stream that ends early or is damaged.

    SimpleITK reads such a NIfTI without complaint, with zeros or noise where the stream ends.
    """
    with path.open("rb") as stream:
        if stream.read(2) != GZIP_MAGIC:
            return
    try:
        with gzip.open(path) as content:
            while content.read(1 << 20):
                pass
    except EOFError as error:
        raise DataError(f"{path}: is truncated: {truncation(path)}. Copy the file again from its source.") from error
    except (OSError, zlib.error) as error:
        raise DataError(
            f"{path}: is damaged: its gzip stream cannot be unpacked ({one_line(error)}). "
            "Copy the file again from its source."
        ) from error


def truncation(path: Path) -> str:
    """Say where a truncated gzip file ends."""
    return f"its gzip stream breaks off after {path.stat().st_size} bytes"


def one_line(error: Exception) -> str:
    """Return the start of an error's message on one line."""
    return " ".join(str(error).split())[:160] or type(error).__name__
