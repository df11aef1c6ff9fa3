"""The steps: each says which components of one label's or region's mask stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoseg.postprocessing.components import find_components
from planners.parts.postprocessing import LargestComponentOptions, LeastPeakOptions, SmallestVolumeOptions

# Sums of voxel volumes may lie this share below the volume that is asked for.
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Predicted mask of one label or region.

    Attributes:
        mask: (x, y, z) in the box that holds it.
        voxel_mm3: the volume of a voxel.
        find_peaks: from (x, y, z) components, numbered from 1, to the largest probability in each, by number.
    """

    mask: NDArray[np.bool_]
    voxel_mm3: float
    find_peaks: Callable[[NDArray[np.integer]], NDArray[np.float32]]


# From options and what was found to the mask (x, y, z) that stays.
Step = Callable[[Any, Found], NDArray[np.bool_]]


def keep_large(options: SmallestVolumeOptions, found: Found) -> NDArray[np.bool_]:
    """Return the components that have at least the volume."""
    components = find_components(found.mask, options.connectivity)
    return components.keep(components.sizes * found.voxel_mm3 >= options.volume_mm3 * (1 - _ROUNDING))


def keep_largest(options: LargestComponentOptions, found: Found) -> NDArray[np.bool_]:
    """Return the largest component; of several that are as large the one with the first voxel."""
    components = find_components(found.mask, options.connectivity)
    return components.keep(np.arange(len(components.sizes)) == components.sizes.argmax())


def keep_probable(options: LeastPeakOptions, found: Found) -> NDArray[np.bool_]:
    """Return the components in which at least one voxel has the probability."""
    components = find_components(found.mask, options.connectivity)
    return components.keep(found.find_peaks(components.numbers) >= options.probability)
