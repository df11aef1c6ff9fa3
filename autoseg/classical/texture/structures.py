"""Edges, lines and small structures in windows: gradients, their common direction, and top-hats."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from autoseg.classical.texture.windows import Image, Mask, Windows

_FLAT = 1e-9
_NEXT = ndimage.generate_binary_structure(2, 1)


def measure_edges(grey: Image, windows: Windows) -> dict[str, Image]:
    """Return mean and SD of the gradient's length, and how far gradients have one direction: 1 for parallel lines."""
    known = np.asarray(ndimage.binary_erosion(windows.inside, _NEXT), dtype=bool)
    along, across = _slope(grey, 0), _slope(grey, 1)
    length = np.hypot(along, across)
    mean, square = windows.average(length, known), windows.average(length**2, known)
    first, second = windows.average(along**2, known), windows.average(across**2, known)
    mixed = windows.average(along * across, known)
    whole = first + second
    one_way = np.hypot(first - second, 2 * mixed) / np.where(whole > _FLAT, whole, 1.0)
    return {
        "gradient": mean,
        "gradient_sd": np.sqrt(np.maximum(square - mean**2, 0.0)),
        "parallel": np.where(whole > _FLAT, one_way, 0.0),
    }


def measure_small_structures(grey: Image, radius: int, windows: Windows) -> dict[str, Image]:
    """Return by how much structures that are narrower than a square are brighter, and darker, than what is around."""
    edge = 2 * radius + 1
    known = _shrink(windows.inside, 2 * radius)
    opened = ndimage.grey_opening(grey, size=(edge, edge))
    closed = ndimage.grey_closing(grey, size=(edge, edge))
    return {
        "bright_structures": windows.average(grey - opened, known),
        "dark_structures": windows.average(closed - grey, known),
    }


def _slope(grey: Image, axis: int) -> Image:
    return np.asarray(ndimage.correlate1d(grey, [-0.5, 0.0, 0.5], axis=axis, mode="nearest"))


def _shrink(inside: Mask, voxels: int) -> Mask:
    """Return the voxels around which a square lies inside."""
    return np.asarray(ndimage.minimum_filter(inside, 2 * voxels + 1, mode="constant", cval=0), dtype=bool)
