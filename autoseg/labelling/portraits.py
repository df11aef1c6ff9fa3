"""Coarse pictures of scans and masks, by which scans that look alike are found."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from autoseg.labelling.ranking import Portrait
from dataset_fingerprints.measuring.scans import Scan

# Cells along each axis of the box around the body.
CELLS = 8
# Standard deviations beyond which an intensity counts as this far: one bright vessel is not what a scan looks like.
_FAR = 3.0


def portray(case: str, scan: Scan, marked: NDArray[np.bool_]) -> Portrait:
    """Return the picture of a scan.

    Args:
        case: its name.
        scan: in its box.
        marked: (x, y, z) on the whole canonical grid, True where a label is.
    """
    inside = marked[scan.box.slices()]
    return Portrait(case=case, scan=_scale(_shrink_channels(scan)), mask=_scale(np.sqrt(shrink(inside.astype(float)))))


def shrink(values: NDArray[np.floating], cells: int = CELLS) -> NDArray[np.float64]:
    """Return (x, y, z) means over cells of a volume, as many along each axis; a short axis repeats its voxels."""
    out = values.astype(np.float64)
    for axis, length in enumerate(values.shape):
        edges = [int(place) for place in np.linspace(0, length, cells + 1)]
        parts = [out.take(range(low, max(high, low + 1)), axis=axis) for low, high in _pairs(edges, length)]
        out = np.stack([part.mean(axis=axis) for part in parts], axis=axis)
    return out


def _pairs(edges: Sequence[int], length: int) -> list[tuple[int, int]]:
    return [(min(low, length - 1), high) for low, high in pairwise(edges)]


def _shrink_channels(scan: Scan) -> NDArray[np.float64]:
    """Return the cells of all channels, each in standard deviations from the mean of the body."""
    pictures = []
    for channel in scan.voxels:
        values = channel[scan.body] if scan.body.any() else channel
        deviation = float(values.std()) or 1.0
        standard = np.clip((channel - float(values.mean())) / deviation, -_FAR, _FAR)
        pictures.append(shrink(np.where(scan.body, standard, -_FAR)))
    return np.stack(pictures)


def _scale(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values in one row of length 1; zeros stay."""
    row = values.ravel()
    length = float(np.linalg.norm(row))
    return row / length if length else row
