"""Arrays as they are stored: orientation, header, compression."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.geometry import AXIS_CODES, Reorientation, from_canonical

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVolume:
    """One file's content.

    Attributes:
        affine: voxel to RAS+ mm, in the sform.
        qform: the same in the qform; None where it agrees with the sform.
        has_qform: False leaves the qform out, which cannot hold a shear.
        kept: share of the compressed bytes that is written; less than 1 for a damaged file.
    """

    voxels: NDArray[Any]
    affine: Matrix
    qform: Matrix | None = None
    has_qform: bool = True
    kept: float = 1.0


def store(voxels: NDArray[Any], affine: Matrix, code: str) -> StoredVolume:
    """Turn a RAS+ array with its affine into the given orientation, for example PSR."""
    axes = [next(axis for axis, pair in enumerate(AXIS_CODES) if letter in pair) for letter in code]
    x, y, z = (axes.index(axis) for axis in range(3))
    negative = [code[axes.index(axis)] == AXIS_CODES[axis][0] for axis in range(3)]
    reorientation = Reorientation(axes=(x, y, z), flips=(negative[0], negative[1], negative[2]))
    stored = affine.copy()
    for position, axis in enumerate(axes):
        step = affine[:3, axis]
        stored[:3, position] = -step if negative[axis] else step
        if negative[axis]:
            stored[:3, 3] += step * (voxels.shape[axis] - 1)
    return StoredVolume(voxels=from_canonical(voxels, reorientation), affine=stored)


def write_volume(path: Path, volume: StoredVolume) -> None:
    """Write a .nii.gz file atomically; the same content gives the same bytes."""
    image = nibabel.Nifti1Image(np.asfortranarray(volume.voxels), volume.affine, dtype=volume.voxels.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(volume.affine, code="scanner")
    qform = volume.affine if volume.qform is None else volume.qform
    image.set_qform(qform if volume.has_qform else None, code="scanner" if volume.has_qform else "unknown")
    content = io.BytesIO()
    # A name or a time in the gzip header would make two runs differ.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=content, mtime=0) as stream:
        stream.write(image.to_bytes())
    whole = content.getvalue()
    write_bytes(path, whole[: int(len(whole) * volume.kept)])
