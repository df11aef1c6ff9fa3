"""DICOM series as scanners write them, through SimpleITK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from dataset_fingerprints.reading.kept_locale import keeping_locale

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MR_STORAGE = "1.2.840.10008.5.1.4.1.1.4"


def write_series(
    folder: Path,
    voxels: NDArray[np.int16],
    affine: NDArray[np.float64],
    uid: str = "1.2.3.1",
    keep: Callable[[int], bool] = lambda number: True,
) -> None:
    """Write (i, j, k) voxels as a series, a file per slice, the last slice first by name.

    Args:
        folder: made if it does not exist.
        voxels: integers, which DICOM holds.
        affine: voxel indices to RAS+ mm.
        uid: of the series.
        keep: which slices are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    placed = _LPS @ affine
    spacing = np.linalg.norm(placed[:3, :3], axis=0)
    directions = placed[:3, :3] / spacing
    writer = SimpleITK.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for number in filter(keep, range(voxels.shape[2])):
        piece = SimpleITK.GetImageFromArray(np.ascontiguousarray(voxels[:, :, number].T)[None])
        piece.SetSpacing(spacing.tolist())
        tags = {
            "0008|0016": _MR_STORAGE,
            "0008|0018": f"{uid}.{number + 1}",
            "0008|0060": "MR",
            "0020|000d": "1.2.3",
            "0020|000e": uid,
            "0020|0013": str(number),
            "0020|0032": _decimals(placed[:3, 3] + placed[:3, 2] * number),
            "0020|0037": _decimals(directions[:, :2].T.ravel()),
        }
        for tag, value in tags.items():
            piece.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{uid}-{99 - number}.dcm"))
        with keeping_locale():
            writer.Execute(piece)


def _decimals(values: NDArray[np.float64]) -> str:
    return "\\".join(f"{value:.10g}" for value in values)
