"""Volumes in any format, placed in space by a RAS affine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK
from numpy.typing import NDArray

from dataset_fingerprints.reading.kept_locale import keeping_locale

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def as_itk(voxels: NDArray[Any], affine: NDArray[np.float64], *, vector: bool = False) -> SimpleITK.Image:
    """Return (i, j, k[, channel]) voxels as an ITK image; channels are the values of a voxel."""
    array = np.moveaxis(voxels.T, 0, -1) if vector else voxels.T
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(array), isVector=vector)
    placed = _LPS @ affine
    spacing = np.linalg.norm(placed[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(placed[:3, 3].tolist())
    image.SetDirection((placed[:3, :3] / spacing).ravel().tolist())
    return image


def write_volume(path: Path, voxels: NDArray[Any], affine: NDArray[np.float64]) -> Path:
    """Write (i, j, k) voxels in the format of the suffix; a NIfTI has the affine as its sform only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if ".nii" in path.name:
        image = nibabel.Nifti1Image(voxels, affine)
        image.set_qform(None, code=0)
        nibabel.save(image, path)
    else:
        with keeping_locale():
            SimpleITK.WriteImage(as_itk(voxels, affine), str(path))
    return path


def reorient(voxels: NDArray[Any], affine: NDArray[np.float64], code: str) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the same volume with its axes stored in another orientation, for example LAS."""
    start = nibabel.orientations.io_orientation(affine)
    turn = nibabel.orientations.ornt_transform(start, nibabel.orientations.axcodes2ornt(tuple(code)))
    turned = nibabel.orientations.apply_orientation(voxels, turn)
    return turned, affine @ nibabel.orientations.inv_ornt_aff(turn, voxels.shape)
