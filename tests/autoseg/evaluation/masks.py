"""Shapes whose scores are known without computing them, and label files that hold them."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.geometry import Triple, TripleFloat

ONE_MM = (1.0, 1.0, 1.0)


def make_box(shape: Triple, start: Triple, stop: Triple, value: int = 1) -> NDArray[np.uint8]:
    """Return a label map that holds one box, from `start` up to, not including, `stop`."""
    labels = np.zeros(shape, dtype=np.uint8)
    labels[tuple(slice(low, high) for low, high in zip(start, stop, strict=True))] = value
    return labels


def make_ball(shape: Triple, radius_mm: float, spacing_mm: TripleFloat = ONE_MM) -> NDArray[np.uint8]:
    """Return a label map that holds a ball around the middle voxel."""
    axes = np.ogrid[tuple(slice(length) for length in shape)]
    squares = [((axis - length // 2) * step) ** 2 for axis, length, step in zip(axes, shape, spacing_mm, strict=True)]
    return (sum(squares) <= radius_mm**2).astype(np.uint8)


def make_points(shape: Triple, *points: Triple) -> NDArray[np.uint8]:
    """Return a label map of single voxels."""
    labels = np.zeros(shape, dtype=np.uint8)
    for point in points:
        labels[point] = 1
    return labels


def write_labels(path: Path, labels: NDArray[np.generic], affine: NDArray[np.float64] | None = None) -> Path:
    """Write a NIfTI file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(labels, np.eye(4) if affine is None else affine, dtype=labels.dtype)
    nibabel.save(image, path)
    return path
