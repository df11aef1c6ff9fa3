"""Slices beside its own that a 2D network sees as further channels."""

from __future__ import annotations


def list_offsets(neighbours: int) -> tuple[int, ...]:
    """Return the slices that a network sees, counted from its own, in the order of its channels: 0, -1, 1, -2, 2.

    Args:
        neighbours: slices on either side.
    """
    return tuple(sorted(range(-neighbours, neighbours + 1), key=lambda offset: (abs(offset), offset)))
