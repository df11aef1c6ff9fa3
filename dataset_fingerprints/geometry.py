"""Voxel grids in space: orientation, spacing, and the way to canonical RAS+ axes and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsInt

import numpy as np
from numpy.typing import NDArray

Triple = tuple[int, int, int]
TripleFloat = tuple[float, float, float]
Affine = tuple[tuple[float, float, float, float], ...]

AXIS_NAMES = ("x", "y", "z")
AXIS_CODES = (("L", "R"), ("P", "A"), ("I", "S"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A box of voxels: from `start` up to, not including, `stop`, in canonical axes."""

    start: Triple
    stop: Triple

    def shape(self) -> Triple:
        """Return the lengths in voxels."""
        x, y, z = (stop - start for start, stop in zip(self.start, self.stop, strict=True))
        return (x, y, z)

    def slices(self) -> tuple[slice, slice, slice]:
        """Return the box as an index of a (x, y, z) array."""
        x, y, z = (slice(start, stop) for start, stop in zip(self.start, self.stop, strict=True))
        return (x, y, z)

    def moved(self, steps: Triple) -> Box:
        """Return the box that lies so many voxels further along each axis."""
        return make_box(np.add(self.start, steps), np.add(self.stop, steps))

    def relative_to(self, other: Box) -> Box:
        """Return the box counted from the first voxel of another one."""
        x, y, z = other.start
        return self.moved((-x, -y, -z))

    def overlap(self, other: Box) -> Box | None:
        """Return the voxels that lie in both boxes, or None if there are none."""
        start, stop = np.maximum(self.start, other.start), np.minimum(self.stop, other.stop)
        return make_box(start, stop) if (start < stop).all() else None


def make_box(start: Iterable[SupportsInt], stop: Iterable[SupportsInt]) -> Box:
    """Return a box from its two corners, given as any numbers that are whole."""
    (x, y, z), (x_stop, y_stop, z_stop) = map(int, start), map(int, stop)
    return Box(start=(x, y, z), stop=(x_stop, y_stop, z_stop))


def enclose(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds all of several boxes."""
    return make_box(np.min([box.start for box in boxes], axis=0), np.max([box.stop for box in boxes], axis=0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """A grid of voxels in space: shape and the 4x4 affine from voxel indices to RAS+ millimetres (as in NIfTI)."""

    shape: Triple
    affine: Affine

    def matrix(self) -> NDArray[np.float64]:
        """Return the affine as a (4, 4) array."""
        return np.array(self.affine, dtype=np.float64)

    def spacing_mm(self) -> TripleFloat:
        """Return the distance in mm between neighbouring voxels along each array axis."""
        lengths = np.linalg.norm(self.matrix()[:3, :3], axis=0)
        return (float(lengths[0]), float(lengths[1]), float(lengths[2]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Reorientation:
    """Change from stored to canonical array axes: first transpose by `axes`, then flip where `flips` says so."""

    axes: Triple
    flips: tuple[bool, bool, bool]

    def code(self) -> str:
        """Return the stored orientation as three letters, for example LAS."""
        letters = [""] * 3
        for canonical, stored in enumerate(self.axes):
            letters[stored] = AXIS_CODES[canonical][0 if self.flips[canonical] else 1]
        return "".join(letters)


def make_grid(shape: tuple[int, ...], affine: NDArray[np.floating]) -> Grid:
    """Build a grid from a numpy affine.

    Args:
        shape: the three spatial lengths in voxels.
        affine: (4, 4), voxel indices to RAS+ mm.
    """
    rows = tuple(tuple(float(value) for value in row) for row in np.asarray(affine, dtype=np.float64))
    return Grid(shape=(int(shape[0]), int(shape[1]), int(shape[2])), affine=rows)  # type: ignore[arg-type]


def show_spacing(spacing_mm: Sequence[float]) -> str:
    """Return voxel sizes as people write them: 1x1x2.5."""
    return "x".join(f"{length:.3g}" for length in spacing_mm)


def show_lengths(lengths: Sequence[float]) -> str:
    """Return lengths in voxels as people write them: 182x218x182; medians may end in .5."""
    return "x".join(f"{length:g}" for length in lengths)


def show_turn(first: Grid, second: Grid) -> str:
    """Return the directions of the stored axes of two grids, for example "RAS and PIR"; "" where they agree."""
    codes = [find_reorientation(grid).code() for grid in (first, second)]
    return " and ".join(codes) if codes[0] != codes[1] else ""


def find_reorientation(grid: Grid) -> Reorientation:
    """Assign each array axis to the canonical axis it is nearest to.

    The assignment maximises the summed absolute cosines over all six permutations, so that oblique grids (even at
    45 degrees) always get three different axes.
    """
    directions = _directions(grid)
    permutations = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    axes = max(permutations, key=lambda p: sum(abs(directions[i, p[i]]) for i in range(3)))
    negative = [bool(directions[i, axes[i]] < 0) for i in range(3)]
    return Reorientation(axes=axes, flips=(negative[0], negative[1], negative[2]))


def to_canonical(array: NDArray[Any], reorientation: Reorientation) -> NDArray[Any]:
    """Return a (..., x, y, z) view of `array` with its last three axes in RAS+ order."""
    lead = array.ndim - 3
    moved = array.transpose(*range(lead), *(lead + axis for axis in reorientation.axes))
    return np.flip(moved, _flipped_axes(reorientation, lead))


def from_canonical(array: NDArray[Any], reorientation: Reorientation) -> NDArray[Any]:
    """Undo `to_canonical`: return a view of `array` with its last three axes as stored."""
    lead = array.ndim - 3
    flipped = np.flip(array, _flipped_axes(reorientation, lead))
    inverse = np.argsort(reorientation.axes)
    return flipped.transpose(*range(lead), *(lead + int(axis) for axis in inverse))


def canonical_grid(grid: Grid) -> Grid:
    """Return the same voxels' grid with canonical axes."""
    return reorient_grid(grid, find_reorientation(grid))


def reorient_grid(grid: Grid, reorientation: Reorientation) -> Grid:
    """Return the same voxels' grid for an array that `to_canonical` turned."""
    matrix = np.zeros((4, 4))
    matrix[3, 3] = 1.0
    source = grid.matrix()
    origin = source[:3, 3].copy()
    for canonical, stored in enumerate(reorientation.axes):
        step = source[:3, stored]
        if reorientation.flips[canonical]:
            origin = origin + step * (grid.shape[stored] - 1)
            step = -step
        matrix[:3, canonical] = step
    matrix[:3, 3] = origin
    return make_grid(tuple(grid.shape[axis] for axis in reorientation.axes), matrix)


def affine_distance_mm(first: Grid, second: Grid) -> float:
    """Return the largest distance in mm between the two grids' positions of the eight corner voxels of `first`."""
    corners = np.array(np.meshgrid(*[(0, length - 1) for length in first.shape], [1.0])).reshape(4, -1)
    difference = (first.matrix() - second.matrix()) @ corners
    return float(np.linalg.norm(difference[:3], axis=0).max())


def skew_degrees(grid: Grid) -> float:
    """Return by how much the angle between two axes of the grid differs from 90 degrees, for the worst two."""
    directions = _directions(grid)
    cosines = (directions.T @ directions)[[0, 0, 1], [1, 2, 2]]
    return float(np.rad2deg(np.abs(np.arcsin(np.clip(cosines, -1, 1))).max()))


def straighten(grid: Grid) -> Grid:
    """Return the grid with its directions replaced by the nearest orthogonal ones; spacing and centre stay.

    The nearest orthogonal matrix is the orthogonal factor of the polar decomposition (Higham 1986).
    """
    left, _, right = np.linalg.svd(_directions(grid))
    source = grid.matrix()
    matrix = np.eye(4)
    matrix[:3, :3] = left @ right * np.array(grid.spacing_mm())
    centre = (np.array(grid.shape) - 1) / 2
    matrix[:3, 3] = source[:3, 3] + (source[:3, :3] - matrix[:3, :3]) @ centre
    return make_grid(grid.shape, matrix)


def _directions(grid: Grid) -> NDArray[np.float64]:
    """Return the unit vectors of the array axes as columns."""
    directions: NDArray[np.float64] = grid.matrix()[:3, :3] / np.array(grid.spacing_mm())
    return directions


def _flipped_axes(reorientation: Reorientation, lead: int) -> tuple[int, ...]:
    return tuple(lead + axis for axis in range(3) if reorientation.flips[axis])
