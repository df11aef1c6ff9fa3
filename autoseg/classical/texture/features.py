"""Textures of the windows of a slice, as numbers by which a classifier tells them apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoseg.classical.texture.co_occurrence import measure_pairs
from autoseg.classical.texture.grey_levels import measure_histogram, measure_moments
from autoseg.classical.texture.options import TextureOptions
from autoseg.classical.texture.runs import measure_runs
from autoseg.classical.texture.structures import measure_edges, measure_small_structures
from autoseg.classical.texture.windows import Image, Mask, Places, Windows

# In words, for people.
FEATURES = (
    "moments, shares of grey levels and their entropy, co-occurrence, runs, gradients and their direction, top-hats"
)


def measure_textures(grey: Image, inside: Mask, places: Places, options: TextureOptions) -> dict[str, Image]:
    """Return the features of windows around some voxels of a slice, by name, each (place along x, along y).

    Args:
        grey: (x, y) grey values, on a scale of 0 to 1.
        inside: (x, y), the voxels that count.
        places: of the voxels.
        options: of the textures.
    """
    windows = Windows(inside, options.size, places)
    level = find_levels(grey, inside, options.levels)
    pairs = {
        f"{name}_{distance}": values
        for distance in options.distances
        for name, values in measure_pairs(level, options.levels, distance, windows).items()
    }
    return {
        **measure_moments(grey, windows),
        **measure_histogram(level, options.levels, windows),
        **pairs,
        **measure_runs(level, options.longest_run(), windows),
        **measure_edges(grey, windows),
        **measure_small_structures(grey, options.radius, windows),
    }


def find_levels(grey: Image, inside: Mask, levels: int) -> NDArray[np.int64]:
    """Return the grey level of every voxel, from 0 on; -1 outside."""
    steps = np.clip(np.floor(grey * levels), 0, levels - 1).astype(np.int64)
    return np.where(inside, steps, -1)
