"""Placement of a batch's patches, for the entries of `planners.parts.PATCHES`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from autoseg.sampling.cases.training_case import TrainingCase
from autoseg.sampling.patches.case_choice import CaseChooser
from autoseg.sampling.patches.fixed_places import CropsPlacer, GridPlacer
from autoseg.sampling.patches.geometry import Patch, PatchGeometry
from autoseg.sampling.patches.random_places import LabelledCases, place_anywhere, place_on_foreground
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import PATCHES
from planners.parts.patches import AnywhereOptions, CropsOnMaskOptions, ForegroundOptions, GridOptions


class Placer(Protocol):
    """Interface of placers, which draw the positions of a batch's patches."""

    def place(
        self, rng: np.random.Generator, cases: Sequence[TrainingCase], chooser: CaseChooser, geometry: PatchGeometry
    ) -> tuple[Patch, ...]:
        """Draw the places of a batch's patches.

        Args:
            rng: that draws.
            cases: all training cases.
            chooser: draws the case of each patch.
            geometry: of the batch.
        """
        ...


@dataclass(frozen=True, slots=True)
class ForegroundPlacer:
    """Placer that puts a share of every batch on labelled voxels, the rest anywhere; the last ones hold foreground.

    Those are drawn from the cases that have foreground, then evenly over the labels or regions of the case, then over
    the voxels of the one, or over its lesions where these are balanced. Where no case has any, they are drawn like the
    others: over all cases, and evenly over places, or over the labelled voxels where some are ignored.
    """

    options: ForegroundOptions
    _labelled: LabelledCases = field(default_factory=LabelledCases, init=False, repr=False, compare=False)

    def place(
        self, rng: np.random.Generator, cases: Sequence[TrainingCase], chooser: CaseChooser, geometry: PatchGeometry
    ) -> tuple[Patch, ...]:
        """Draw the places of a batch's patches."""
        with_foreground = self._labelled.find(cases)
        forced = self.forced_patches(geometry.batch_size) if with_foreground else 0
        everywhere = range(len(cases))
        patches = []
        for number in range(geometry.batch_size):
            on_foreground = number >= geometry.batch_size - forced
            index = chooser.choose(rng, with_foreground if on_foreground else everywhere)
            if on_foreground:
                start, target = place_on_foreground(rng, cases[index], geometry.patch_shape, self.options)
            else:
                start, target = place_anywhere(rng, cases[index], geometry.patch_shape, self.options), 0
            patches.append(Patch(case=index, start=start, target=target))
        return tuple(patches)

    def forced_patches(self, batch_size: int) -> int:
        """Return how many patches of a batch must hold foreground."""
        share = self.options.foreground_share
        return max(1, round(batch_size * share)) if share > 0 else 0


# From options and the seed of the training: the plan's and the fold's.
PlacerBuilder = Callable[[Any, tuple[int, ...]], Placer]

BUILDERS: BuilderTable[PlacerBuilder] = BuilderTable(
    PATCHES,
    {
        AnywhereOptions: lambda options, seed: ForegroundPlacer(ForegroundOptions(foreground_share=0.0)),
        CropsOnMaskOptions: CropsPlacer,
        ForegroundOptions: lambda options, seed: ForegroundPlacer(options),
        GridOptions: lambda options, seed: GridPlacer(options),
    },
)


def build_placer(choice: Choice, seed: Sequence[int] = ()) -> Placer:
    """Build what places patches as a plan says.

    Args:
        choice: of the plan.
        seed: the plan's and the fold's, for places that are the same in the whole training.

    Raises:
        PlanError: there is no such part.
    """
    options, build = BUILDERS.find(choice)
    return build(options, tuple(seed))
