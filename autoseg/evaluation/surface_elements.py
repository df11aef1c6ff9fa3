"""Surface of a mask as elements with areas, at the corners of its voxels (as in deepmind's surface-distance).

Around a corner there are 2x2x2 voxels. Where some are inside and some outside, the surface passes through: it cuts the
lines between neighbours of unlike kind in their middles (Lorensen & Cline 1987). Its area in there depends on which of
the eight are inside, and is the sum over groups of voxels that touch by faces, each cut off from the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise, product

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.surfaces import Flat, Places
from dataset_fingerprints.geometry import TripleFloat

# A voxel beside a corner, as 0 or 1 along each axis.
_Corner = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SurfaceElements:
    """Places of a surface, and the area of the surface at each.

    Attributes:
        places: corners of voxels, in voxels.
        areas: (place,), in mm2; of a 2D image, lengths in mm.
    """

    places: Places
    areas: NDArray[np.float64]


def find_elements(mask: NDArray[np.bool_], spacing_mm: TripleFloat, flat: Flat) -> SurfaceElements:
    """Return the surface of an (x, y, z) mask, or of a 2D image its outline.

    Args:
        mask: outside of it there is nothing.
        spacing_mm: voxel size.
        flat: axes along which the image is one voxel long.
    """
    axes = tuple(axis for axis in range(3) if not flat[axis])
    if not axes:
        places = np.argwhere(mask)
        return SurfaceElements(places=Places(places, spacing_mm), areas=np.ones(len(places)))
    padded = np.pad(mask, [(0, 0) if is_flat else (1, 1) for is_flat in flat]).astype(np.uint8)
    codes = np.zeros([length - 1 + is_flat for length, is_flat in zip(padded.shape, flat, strict=True)], dtype=np.uint8)
    for bit, corner in enumerate(_corners(len(axes))):
        window = [slice(None)] * 3
        for axis, step in zip(axes, corner, strict=True):
            window[axis] = slice(step, step + codes.shape[axis])
        codes |= padded[tuple(window)] << np.uint8(bit)
    full = (1 << 2 ** len(axes)) - 1
    places = np.argwhere((codes != 0) & (codes != full))
    areas = list_areas(tuple(spacing_mm[axis] for axis in axes))
    return SurfaceElements(places=Places(places, spacing_mm), areas=areas[codes[tuple(places.T)]])


@lru_cache(maxsize=64)
def list_areas(spacing_mm: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the area in mm2 for every set of inside voxels around a corner; of a 2D image, the length in mm.

    Args:
        spacing_mm: of the axes that are not flat.

    Returns:
        (code,): bit i of the code is voxel i of the 2x2x2, the last axis first.
    """
    corners = _corners(len(spacing_mm))
    areas = np.zeros(1 << len(corners))
    for code in range(len(areas)):
        inside = [corner for bit, corner in enumerate(corners) if code >> bit & 1]
        outside = [corner for corner in corners if corner not in inside]
        smaller = min(inside, outside, key=len)
        areas[code] = math.fsum(_cut_off(group, spacing_mm) for group in _groups(smaller))
    return areas


def _corners(axes: int) -> tuple[_Corner, ...]:
    return tuple(product((0, 1), repeat=axes))


def _touch(first: _Corner, second: _Corner) -> bool:
    """Return whether two voxels share a face."""
    return sum(a != b for a, b in zip(first, second, strict=True)) == 1


def _groups(voxels: Sequence[_Corner]) -> Iterator[list[_Corner]]:
    """Yield the sets of voxels that are joined by faces."""
    left = list(voxels)
    while left:
        group, left = [left[0]], left[1:]
        for voxel in group:
            group += [other for other in left if _touch(voxel, other)]
            left = [other for other in left if other not in group]
        yield group


def _cut_off(group: list[_Corner], spacing_mm: Sequence[float]) -> float:
    """Return the area of the surface that separates a group from all other voxels around the corner."""
    if len(spacing_mm) < 2:
        return 1.0
    if len(spacing_mm) == 2:
        return _cut_in_plane(group, spacing_mm)
    x, y, z = spacing_mm
    # Of a plane across each axis, per voxel.
    faces = np.array([y * z, x * z, x * y])
    triangle = float(np.linalg.norm(faces)) / 8
    lines = [(a, b) for a, b in combinations(group, 2) if _touch(a, b)]
    along = [next(axis for axis in range(3) if a[axis] != b[axis]) for a, b in lines]
    if len(group) == 1:
        return triangle
    if len(group) == 2:
        return 2 * _slope(faces, along[0])
    if len(group) == 3:
        across = ({0, 1, 2} - set(along)).pop()
        return float(faces[across]) / 2 + 3 * triangle
    if len(lines) == 4:
        return float(faces[({0, 1, 2} - set(along)).pop()])
    if any(sum(voxel in line for line in lines) == 3 for voxel in group):
        return 6 * triangle
    # Four in a row around two bends: a strip at either end, and what joins them.
    ends = [axis for line, axis in zip(lines, along, strict=True) if _is_end(line, lines)]
    return sum(_slope(faces, axis) for axis in ends) + 4 * triangle


def _slope(faces: NDArray[np.float64], along: int) -> float:
    """Return half of the area of a strip along an axis that runs diagonally between the other two."""
    return math.hypot(*(face for axis, face in enumerate(faces) if axis != along)) / 4


def _is_end(line: tuple[_Corner, _Corner], lines: Sequence[tuple[_Corner, _Corner]]) -> bool:
    """Return whether one end of a line belongs to no other line."""
    return any(sum(voxel in other for other in lines) == 1 for voxel in line)


def _cut_in_plane(group: list[_Corner], spacing_mm: Sequence[float]) -> float:
    """Return the length of the outline that separates a group of the four pixels around a corner."""
    if len(group) == 1:
        return math.hypot(*spacing_mm) / 2
    ((first, second),) = pairwise(group)
    return next(step for step, a, b in zip(spacing_mm, first, second, strict=True) if a != b)
