"""Boxes of a preprocessed array as a network looks at them: all of it, or the two halves of a scan, one mirrored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.geometry import Box, make_box

# A middle that should lie on the border of two voxels, or in the middle of one, may lie this far beside it.
_BESIDE = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A box of an array, mirrored or not.

    Attributes:
        box: on the array.
        mirrored: the axis along which the network sees it mirrored, or -1.
    """

    box: Box
    mirrored: int = -1

    def take(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the view of a (..., x, y, z) array."""
        return self.turn(values[(..., *self.box.slices())])

    def turn(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the (..., x, y, z) values of the box as the view shows them; given again, it undoes itself."""
        return values if self.mirrored < 0 else np.ascontiguousarray(np.flip(values, self.mirrored - 3))

    def put(self, values: NDArray[Any], into: NDArray[Any]) -> None:
        """Write what `take` returns, or what has its shape, where it comes from."""
        into[(..., *self.box.slices())] = self.turn(values)

    def locate(self, box: Box) -> Box:
        """Return the box of the array that a box of the view shows."""
        start, stop = list(box.start), list(box.stop)
        if self.mirrored >= 0:
            length = self.box.shape()[self.mirrored]
            start[self.mirrored], stop[self.mirrored] = length - stop[self.mirrored], length - start[self.mirrored]
        return make_box(start, stop).moved(self.box.start)


def divide_box(box: Box, axis: int, middle: int, mirrored: str) -> tuple[View, ...]:
    """Return what lies in a box before the middle of an axis, and behind it; a side without voxels is left out.

    Args:
        box: of a preprocessed array.
        axis: that is divided.
        middle: the first voxel behind the middle, counted on the array.
        mirrored: `first` or `second`, the side that is mirrored.
    """
    start, stop = box.start[axis], box.stop[axis]
    border = min(max(middle, start), stop)
    sides = (("first", start, border), ("second", border, stop))
    return tuple(
        View(box=_part_between(box, axis, low, high), mirrored=axis if side == mirrored else -1)
        for side, low, high in sides
        if low < high
    )


def find_middle(scan: int, covered: tuple[int, int], length: int) -> int:
    """Return the first voxel behind the middle of a scan, on the preprocessed array of a part of it.

    The middle is that of the scan's own grid, whatever was cropped from it; a voxel in the middle lies behind it.

    Args:
        scan: voxels of the scan along the axis.
        covered: the first voxel of the part, and the one behind its last.
        length: voxels of the array.
    """
    start, stop = covered
    return math.ceil((scan / 2 - start) * length / (stop - start) - 0.5 - _BESIDE)


def _part_between(box: Box, axis: int, low: int, high: int) -> Box:
    start, stop = list(box.start), list(box.stop)
    start[axis], stop[axis] = low, high
    return make_box(start, stop)
