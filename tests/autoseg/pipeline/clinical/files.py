"""Masks and regions on a small grid in template space, as files."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

SHAPE = (30, 36, 30)
# Voxels of 6 mm around MNI152's brain.
AFFINE = np.array([[6.0, 0, 0, -87], [0, 6, 0, -123], [0, 0, 6, -69], [0, 0, 0, 1]])


def write_mask(path: Path, *boxes: tuple[slice, slice, slice], affine: np.ndarray = AFFINE, value: float = 1) -> Path:
    """Write a mask of boxes."""
    voxels = np.zeros(SHAPE, dtype=np.float32 if value % 1 else np.uint8)
    for box in boxes:
        voxels[box] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(voxels, affine).to_filename(path)
    return path


def write_mark(folder: Path) -> Path:
    """Leave what `simulate` leaves beside its scans, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "simulation.json").write_text('{"simulated": true}', encoding="utf-8")
    return folder


def turned(degrees: float) -> np.ndarray:
    """Return the affine turned about z, as of a tilted head."""
    angle = np.deg2rad(degrees)
    rotation = np.eye(4)
    rotation[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return rotation @ AFFINE
