"""Removal of components from a label map: builders of the entries of `planners.parts.POSTPROCESSING`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from autoseg.postprocessing.components import Components, find_components
from autoseg.postprocessing.label_maps import LabelMap, PeakFinder
from autoseg.postprocessing.steps import Found, Step, keep_large, keep_largest, keep_probable
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import POSTPROCESSING
from planners.parts.postprocessing import LargestComponentOptions, LeastPeakOptions, SmallestVolumeOptions

BUILDERS: BuilderTable[Step] = BuilderTable(
    POSTPROCESSING,
    {
        LargestComponentOptions: keep_largest,
        LeastPeakOptions: keep_probable,
        SmallestVolumeOptions: keep_large,
    },
)

__all__ = [
    "BUILDERS",
    "Components",
    "Found",
    "LabelMap",
    "PeakFinder",
    "Step",
    "find_components",
    "postprocess",
]


def postprocess(label_map: LabelMap, choices: Sequence[Choice]) -> NDArray[np.uint8]:
    """Return the label indices (x, y, z) that stay, one step after the other, one label or region after the other.

    Raises:
        PlanError: there is no such step, label or region.
    """
    for choice in choices:
        options, step = BUILDERS.find(choice)
        for target in label_map.find_targets(options.label):
            label_map = replace(label_map, indices=label_map.reduce(target, partial(step, options)))
    return label_map.indices
