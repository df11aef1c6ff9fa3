"""Channels of one case that lie on different grids: whether they do, and how they come onto one."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from dataset_fingerprints.geometry import Grid, affine_distance_mm, make_box
from dataset_fingerprints.reading.body import border_value
from dataset_fingerprints.tolerances import REPORTED_SHIFT

# Points per axis of a grid, by which an overlap with another one is found.
_PROBES = 16


def same_place(first: Grid, second: Grid) -> bool:
    """Return whether two canonical grids have the same voxels in space, up to rounding in their headers."""
    if first.shape != second.shape:
        return False
    return affine_distance_mm(first, second) <= REPORTED_SHIFT * min(first.spacing_mm())


def move_onto(labels: NDArray[np.integer], source: Grid, target: Grid) -> NDArray[np.integer] | None:
    """Return labels on another grid whose voxels are the same ones in space, with more or fewer of them around.

    Args:
        labels: (x, y, z); those that lie outside of the target are cut off.
        source: their canonical grid.
        target: the canonical grid to bring them onto.

    Returns:
        (x, y, z) labels, 0 where there were none; None where the voxels of the grids are other ones.
    """
    matrix = np.linalg.inv(target.matrix()) @ source.matrix()
    steps = np.rint(matrix[:3, 3]).astype(int)
    moved = np.eye(4)
    moved[:3, 3] = steps
    x, y, z = source.shape
    corners = np.array(np.meshgrid((0, x - 1), (0, y - 1), (0, z - 1), [1.0])).reshape(4, -1)
    if np.abs((matrix - moved) @ corners).max() > REPORTED_SHIFT:
        return None
    out = np.zeros(target.shape, dtype=labels.dtype)
    box = make_box((0, 0, 0), target.shape).overlap(make_box(steps, steps + np.array(source.shape)))
    if box is not None:
        a, b, c = (-int(step) for step in steps)
        out[box.slices()] = labels[box.moved((a, b, c)).slices()]
    return out


def overlap(first: Grid, second: Grid) -> float:
    """Return the share of the first grid's volume that lies inside the second grid, from evenly spread points."""
    axes = [np.linspace(0, length - 1, min(length, _PROBES)) for length in first.shape]
    points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])
    return float(_inside(_map_points(points, first, second), second.shape).mean())


def resample_onto(
    voxels: NDArray[np.float32], source: Grid, target: Grid, outside: float | None = None
) -> NDArray[np.float32]:
    """Return channels on another grid, interpolated linearly; where they do not reach, their value at the border.

    Linear, because a spline rings at the edge of a skull-stripped brain and no voxel of the background would keep its
    value. The background is subtracted before and added after, so that it comes out exact.

    Args:
        voxels: (channel, x, y, z).
        source: their canonical grid.
        target: the canonical grid to bring them onto.
        outside: the value where they do not reach; None for that at their border.
    """
    out = np.empty((voxels.shape[0], *target.shape), dtype=np.float32)
    fills = [_fill_value(channel) if outside is None else outside for channel in voxels]
    lifted = [channel - fill for channel, fill in zip(voxels, fills, strict=True)]
    for x in range(target.shape[0]):
        y, z = np.meshgrid(*(np.arange(length) for length in target.shape[1:]), indexing="ij")
        points = _map_points(np.stack([np.full(y.size, x), y.ravel(), z.ravel()]), target, source)
        inside = _inside(points, source.shape)
        for channel, fill, plane in zip(lifted, fills, out[:, x], strict=True):
            values = scipy.ndimage.map_coordinates(channel, points, order=1, mode="nearest")
            plane[:] = (np.where(inside, values, 0) + fill).reshape(plane.shape)
    return out


def _map_points(points: NDArray[np.floating | np.integer], start: Grid, end: Grid) -> NDArray[np.float64]:
    """Turn (3, n) voxel positions of one grid into those of another."""
    matrix = np.linalg.inv(end.matrix()) @ start.matrix()
    mapped: NDArray[np.float64] = matrix[:3, :3] @ points + matrix[:3, 3:]
    return mapped


def _inside(points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which (3, n) positions lie in a voxel; a voxel reaches half an edge beyond its centre."""
    lengths = np.array(shape)[:, None]
    return np.asarray(((points >= -0.5) & (points <= lengths - 0.5)).all(axis=0))


def _fill_value(channel: NDArray[np.float32]) -> float:
    value = border_value(channel)
    return float(channel.min()) if value is None else value
