"""Volumes small enough to be in a page: fewer voxels, grey levels in bytes, packed."""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.reporting.page.document import Volume
from dataset_fingerprints.geometry import TripleFloat

# Voxels of a volume in the page; more grey levels than these are not seen, and take more bytes.
MOST_VOXELS = 1_200_000
_GREYS = 64
Triple = tuple[int, int, int]


def choose_step(shape: Sequence[int], spacing_mm: Sequence[float]) -> Triple:
    """Return how many voxels along each axis become one, so that a volume fits: those of the finest axis first."""
    step = [1, 1, 1]
    while math.prod(-(-length // factor) for length, factor in zip(shape, step, strict=True)) > MOST_VOXELS:
        edges = [
            math.inf if length <= factor else spacing * factor
            for length, factor, spacing in zip(shape, step, spacing_mm, strict=True)
        ]
        step[int(np.argmin(edges))] += 1
    return (step[0], step[1], step[2])


def shrink_labels(labels: NDArray[np.uint8], step: Triple) -> NDArray[np.uint8]:
    """Return the largest label of every block, so that small lesions stay."""
    missing = [(0, -length % factor) for length, factor in zip(labels.shape, step, strict=True)]
    padded = np.pad(labels, missing)
    x, y, z = (length // factor for length, factor in zip(padded.shape, step, strict=True))
    blocks = padded.reshape(x, step[0], y, step[1], z, step[2])
    return np.asarray(blocks.max(axis=(1, 3, 5)))


def fit_image(image: NDArray[np.floating], whole: Sequence[int], step: Triple) -> NDArray[np.float32]:
    """Resample an image that fills a box onto the blocks of that box.

    Args:
        image: (x, y, z), of any resolution.
        whole: the box in voxels of the labels.
        step: voxels along each axis that become one.
    """
    shape = [-(-length // factor) for length, factor in zip(whole, step, strict=True)]
    scale = [stored / length * factor for stored, length, factor in zip(image.shape, whole, step, strict=True)]
    factors = [max(1, int(part)) for part in scale]
    coarse = _average(image.astype(np.float32), factors)
    # The same positions in the averaged image.
    scale = [part / factor for part, factor in zip(scale, factors, strict=True)]
    offset = [0.5 * part - 0.5 for part in scale]
    fitted = ndimage.affine_transform(coarse, scale, offset, tuple(shape), order=1, mode="nearest")
    return np.asarray(fitted, dtype=np.float32)


def pack_volume(
    scan: NDArray[np.floating],
    window: tuple[float, float],
    labels: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    spacing_mm: TripleFloat,
    start: Triple,
    *,
    plain: bool = False,
) -> Volume:
    """Return a volume of the page.

    Args:
        scan: (x, y, z).
        window: the intensities drawn black and white.
        labels: of reference and prediction, of the scan's shape.
        spacing_mm: of its voxels.
        start: the voxel that the planes go through at first.
        plain: whether it is a picture.
    """
    low, high = window
    levels = np.clip((np.nan_to_num(scan, nan=low) - low) / (high - low), 0.0, 1.0)
    greys = np.round(np.round(levels * (_GREYS - 1)) * (255 / (_GREYS - 1))).astype(np.uint8)
    content = b"".join(volume.tobytes(order="F") for volume in (greys, *labels))
    x, y, z = scan.shape
    return Volume(
        packed=gzip.compress(content, 9, mtime=0),
        shape=(x, y, z),
        spacing_mm=spacing_mm,
        start=start,
        plain=plain,
    )


def _average(image: NDArray[np.float32], factors: Sequence[int]) -> NDArray[np.float32]:
    """Return the mean of every block; the last blocks are filled with copies of the last voxels."""
    if max(factors) == 1:
        return image
    missing = [(0, -length % factor) for length, factor in zip(image.shape, factors, strict=True)]
    padded = np.pad(image, missing, mode="edge")
    x, y, z = (length // factor for length, factor in zip(padded.shape, factors, strict=True))
    return np.asarray(padded.reshape(x, factors[0], y, factors[1], z, factors[2]).mean(axis=(1, 3, 5)))
