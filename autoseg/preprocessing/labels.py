"""Label maps on another grid.

A voxel takes the label with the largest share of it; on a coarser grid, where no share is clear, the one that brings
back more (`rounding`). To bring labels back from a coarser grid, they are smoothed, interpolated and compared, so that
the staircase of a border shows where the border ran.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from autoseg.preprocessing.resampling import Matrices, resampling_matrix
from autoseg.preprocessing.rounding import rank_labels, settle
from dataset_fingerprints.geometry import Box, Triple
from dataset_fingerprints.reading.body import bounding_box

# Standard deviation of the smoothing on the way back, in voxels of the coarser grid.
SMOOTHING = 1.0
# Weights below this decide nothing and cost time.
_SMALLEST_WEIGHT = 0.01


def resample_labels(labels: NDArray[np.uint8], shape: Triple, count: int) -> NDArray[np.uint8]:
    """Resample a label map to another shape.

    Args:
        labels: (x, y, z), indices 0..count - 1.
        shape: the target shape.
        count: how many indices there are, background included.
    """
    if labels.shape == shape:
        return labels
    source = bounding_box(labels > 0)
    there, back = _matrices_there(labels.shape, shape), matrices_back(shape, labels.shape)
    target = _reach(there, source)
    candidates = rank_labels(labels[source.slices()], _cut(there, target, source), count)
    chosen = candidates.first
    if _gets_coarser(labels.shape, shape):
        around = _reach(back, target)
        chosen = settle(candidates, labels[around.slices()], _cut(back, around, target))
    result = np.zeros(shape, dtype=np.uint8)
    result[target.slices()] = chosen
    _keep_thin(labels, result, source)
    return result


def _gets_coarser(lengths: tuple[int, ...], targets: tuple[int, ...]) -> bool:
    return any(target < length for length, target in zip(lengths, targets, strict=True))


def _matrices_there(lengths: tuple[int, ...], targets: tuple[int, ...]) -> Matrices:
    x, y, z = (
        None if length == target else resampling_matrix(length, target, "area" if target < length else "linear")
        for length, target in zip(lengths, targets, strict=True)
    )
    return (x, y, z)


def matrices_back(lengths: tuple[int, ...], targets: tuple[int, ...]) -> Matrices:
    """Return, per axis, what brings shares of labels back from a grid to the one that they were resampled from.

    Args:
        lengths: of the grid that labels were resampled to.
        targets: of the grid that they came from.
    """
    smooth = _gets_coarser(targets, lengths)
    x, y, z = (_matrix_back(length, target, smooth) for length, target in zip(lengths, targets, strict=True))
    return (x, y, z)


@lru_cache(maxsize=256)
def _matrix_back(length: int, target: int, smooth: bool) -> scipy.sparse.csr_array | None:
    """Return the matrix of one axis; where another axis was coarser, equally long axes are smoothed as well."""
    if target < length:
        return resampling_matrix(length, target, "linear")
    if not smooth:
        return None
    once = _blur(np.eye(length))
    twice = _blur(once)
    # 1 - (1 - blur)^3 takes the finest detail away and, unlike a blur, leaves curved borders where they are.
    dense = 3 * once - 3 * twice + _blur(twice)
    if target > length:
        dense = resampling_matrix(length, target, "cubic") @ dense
    dense[np.abs(dense) < _SMALLEST_WEIGHT] = 0
    return scipy.sparse.csr_array((dense / dense.sum(axis=1, keepdims=True)).astype(np.float32))


def _blur(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    blurred: NDArray[np.float64] = scipy.ndimage.gaussian_filter1d(columns, SMOOTHING, axis=0, mode="nearest")
    return blurred


def _reach(matrices: Matrices, box: Box) -> Box:
    """Return the box of all outputs that voxels inside `box` contribute to."""
    bounds = []
    for matrix, start, stop in zip(matrices, box.start, box.stop, strict=True):
        if matrix is None:
            bounds.append((start, stop))
        else:
            rows = np.flatnonzero(np.diff(matrix[:, start:stop].indptr))
            bounds.append((int(rows[0]), int(rows[-1]) + 1))
    (x, y, z) = bounds
    return Box(start=(x[0], y[0], z[0]), stop=(x[1], y[1], z[1]))


def _cut(matrices: Matrices, outputs: Box, inputs: Box) -> Matrices:
    x, y, z = (
        None if matrix is None else matrix[rows, columns]
        for matrix, rows, columns in zip(matrices, outputs.slices(), inputs.slices(), strict=True)
    )
    return (x, y, z)


def _keep_thin(before: NDArray[np.uint8], after: NDArray[np.uint8], source: Box) -> None:
    """Bring back what got lost between two grids: lines, sheets and single voxels.

    A labelled voxel without any voxel of its label where it lies, or next to there, takes its place back.

    Args:
        before: the whole map on one grid.
        after: the whole map on the other grid, which is changed.
        source: holds all labels of `before`.
    """
    lost = _find_lost(before, after, source)
    if not lost.any():
        return
    places = np.nonzero(lost)
    nearest = (_nearest(*lengths)[place] for *lengths, place in zip(before.shape, after.shape, places, strict=True))
    after[tuple(nearest)] = lost[places]
    # On a finer grid a voxel fills several.
    filled = lost[np.ix_(*(_nearest(*lengths) for lengths in zip(after.shape, before.shape, strict=True)))]
    np.copyto(after, filled, where=filled > 0)


def _find_lost(before: NDArray[np.uint8], after: NDArray[np.uint8], source: Box) -> NDArray[np.uint8]:
    """Return the labels of `before`, 0 where the label is found in `after`, there or next to there."""
    lost = np.zeros_like(before)
    parts = zip(before.shape, after.shape, source.slices(), strict=True)
    nearest = [_nearest(length, target)[part] for length, target, part in parts]
    covered = tuple(slice(int(axis[0]), int(axis[-1]) + 1) for axis in nearest)
    places = np.ix_(*(axis - axis[0] for axis in nearest))
    inside = before[source.slices()]
    for index in np.flatnonzero(np.bincount(inside.ravel())):
        near = scipy.ndimage.maximum_filter((after[covered] == index).view(np.uint8), 3)
        lost[source.slices()][(inside == index) & (near[places] == 0)] = index
    return lost


def _nearest(length: int, target: int) -> NDArray[np.intp]:
    """Return for every voxel of an axis the voxel of the other grid's axis that its centre lies in."""
    return ((np.arange(length) + 0.5) * target / length).astype(np.intp)
