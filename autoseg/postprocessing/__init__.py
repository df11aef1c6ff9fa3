"""Changes of a label map after prediction: builders of the entries of `planners.parts.POSTPROCESSING`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from autoseg.postprocessing.components import Components, find_components
from autoseg.postprocessing.label_maps import LabelMap, PeakFinder
from autoseg.postprocessing.steps import CHOOSERS, ComponentFigures, Found, Step, fill_holes, keep_chosen
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import POSTPROCESSING
from planners.parts.postprocessing import FillHolesOptions, LargestComponentOptions

BUILDERS: BuilderTable[Step] = BuilderTable(
    POSTPROCESSING, {FillHolesOptions: fill_holes, **dict.fromkeys(CHOOSERS, keep_chosen)}
)

__all__ = [
    "BUILDERS",
    "CHOOSERS",
    "ComponentFigures",
    "Components",
    "Found",
    "LabelMap",
    "PeakFinder",
    "Step",
    "find_components",
    "postprocess",
]


def postprocess(label_map: LabelMap, choices: Sequence[Choice]) -> NDArray[np.uint8]:
    """Return the label indices (x, y, z) after the steps, one by one, of each one label or region after the other.

    Raises:
        PlanError: there is no such step, label or region.
    """
    for choice in choices:
        options, step = BUILDERS.find(choice)
        if isinstance(options, LargestComponentOptions) and options.values:
            indices = label_map.reduce_together(options.values, partial(step, options))
            label_map = replace(label_map, indices=indices)
            continue
        for target in label_map.find_targets(options.label):
            label_map = replace(label_map, indices=label_map.change(target, partial(step, options)))
    return label_map.indices
