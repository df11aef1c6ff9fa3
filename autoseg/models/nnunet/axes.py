"""nnU-Net's order of a scan's axes, and ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from dataset_fingerprints.geometry import Triple

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Axes:
    """The axes of nnU-Net's arrays, by their places in ours: its readers turn them around, its plans transpose them.

    A 2D network sees the last two of them.

    Attributes:
        places: for each of its three axes.
    """

    places: Triple

    def sliced(self) -> int:
        """Return the axis of ours that 2D networks go along slice by slice."""
        return self.places[0]

    def order(self, count: int) -> tuple[int, ...]:
        """Return which of its last `count` axes to take, one after the other, for ours in ascending order."""
        places = self.places[3 - count :]
        return tuple(sorted(range(count), key=lambda axis: places[axis]))

    def sort(self, values: Sequence[T]) -> tuple[T, ...]:
        """Return what a list says of its last axes in the order of ours."""
        return tuple(values[axis] for axis in self.order(len(values)))

    def place(self, axis: int, count: int) -> int:
        """Return the axis of ours that one of its last `count` axes is."""
        return self.places[3 - count + axis]


def make_axes(transpose_forward: Triple) -> Axes:
    """Return the axes behind a transposition of z, y, x."""
    x, y, z = (2 - axis for axis in transpose_forward)
    return Axes(places=(x, y, z))
