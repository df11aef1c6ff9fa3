"""The steps: each says which voxels are in one label's or region's mask after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoseg.postprocessing.components import find_components
from planners.parts.postprocessing import (
    FillHolesOptions,
    LargeOrProbableOptions,
    LargestComponentOptions,
    LeastPeakOptions,
    SmallestVolumeOptions,
)

# Sums of voxel volumes may lie this share below the volume that is asked for.
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Predicted mask of one label or region.

    Attributes:
        mask: (x, y, z) in the box that holds it.
        voxel_mm3: the volume of a voxel.
        find_peaks: from (x, y, z) components, numbered from 1, to the largest probability in each, by number.
        flat: the axes along which the whole image is one voxel long.
    """

    mask: NDArray[np.bool_]
    voxel_mm3: float
    find_peaks: Callable[[NDArray[np.integer]], NDArray[np.float32]]
    flat: tuple[bool, bool, bool] = (False, False, False)


@dataclass(frozen=True, kw_only=True)
class ComponentFigures:
    """The figures that components are chosen by, by number from 0, which is what is in none.

    Attributes:
        volumes_mm3: of the components.
        measure_peaks: finds their largest probabilities, when they are first asked for.
    """

    volumes_mm3: NDArray[np.floating]
    measure_peaks: Callable[[], NDArray[np.float32]]

    @cached_property
    def peaks(self) -> NDArray[np.float32]:
        """The largest probability in each component."""
        return self.measure_peaks()


# From options and what was found to the mask (x, y, z) that there is after the step.
Step = Callable[[Any, Found], NDArray[np.bool_]]
# From options and figures of components to those that stay, by number.
Chooser = Callable[[Any, ComponentFigures], NDArray[np.bool_]]


def choose_large(options: SmallestVolumeOptions, figures: ComponentFigures) -> NDArray[np.bool_]:
    """Return the components that have at least the volume."""
    chosen: NDArray[np.bool_] = figures.volumes_mm3 >= options.volume_mm3 * (1 - _ROUNDING)
    return chosen


def choose_largest(options: LargestComponentOptions, figures: ComponentFigures) -> NDArray[np.bool_]:
    """Return the largest component; of several that are as large the one with the first voxel."""
    numbers = np.arange(len(figures.volumes_mm3))
    chosen: NDArray[np.bool_] = numbers == figures.volumes_mm3.argmax()
    return chosen


def choose_probable(options: LeastPeakOptions, figures: ComponentFigures) -> NDArray[np.bool_]:
    """Return the components in which at least one voxel has the probability."""
    chosen: NDArray[np.bool_] = figures.peaks >= options.probability
    return chosen


def choose_large_or_probable(options: LargeOrProbableOptions, figures: ComponentFigures) -> NDArray[np.bool_]:
    """Return the components that have the volume, and those in which at least one voxel has the probability."""
    large = figures.volumes_mm3 >= options.volume_mm3 * (1 - _ROUNDING)
    return large | (figures.peaks >= options.probability)


# Steps that take out whole components, by their options.
CHOOSERS: Mapping[type, Chooser] = {
    LargeOrProbableOptions: choose_large_or_probable,
    LargestComponentOptions: choose_largest,
    LeastPeakOptions: choose_probable,
    SmallestVolumeOptions: choose_large,
}


def keep_chosen(options: Any, found: Found) -> NDArray[np.bool_]:
    """Return the mask of the components that stay."""
    components = find_components(found.mask, options.connectivity)
    figures = ComponentFigures(
        volumes_mm3=components.sizes * found.voxel_mm3, measure_peaks=lambda: found.find_peaks(components.numbers)
    )
    return components.keep(CHOOSERS[type(options)](options, figures))


def fill_holes(options: FillHolesOptions, found: Found) -> NDArray[np.bool_]:
    """Return the mask with what it encloses: voxels from which no path through faces leads out of it."""
    sides = [(0, 0) if flat else (1, 1) for flat in found.flat]
    around = find_components(~np.pad(found.mask, sides), 6)
    # The first voxel is of the margin, which is one component.
    outside = around.numbers == around.numbers[0, 0, 0]
    inner = tuple(slice(before, length - after) for (before, after), length in zip(sides, outside.shape, strict=True))
    filled: NDArray[np.bool_] = found.mask | ~outside[inner]
    return filled
