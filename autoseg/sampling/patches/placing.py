"""Placement of a batch's patches, for the entries of `planners.parts.PATCHES`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from autoseg.sampling.cases.training_case import Coordinates, Lesions, TrainingCase
from autoseg.sampling.patches.case_choice import CaseChooser
from autoseg.sampling.patches.geometry import Patch, PatchGeometry
from dataset_fingerprints.geometry import Triple
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import PATCHES
from planners.parts.patches import AnywhereOptions, ForegroundOptions


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

    def place(
        self, rng: np.random.Generator, cases: Sequence[TrainingCase], chooser: CaseChooser, geometry: PatchGeometry
    ) -> tuple[Patch, ...]:
        """Draw the places of a batch's patches."""
        with_foreground = [index for index, case in enumerate(cases) if any(map(len, case.foreground))]
        forced = self.forced_patches(geometry.batch_size) if with_foreground else 0
        everywhere = range(len(cases))
        patches = []
        for number in range(geometry.batch_size):
            on_foreground = number >= geometry.batch_size - forced
            index = chooser.choose(rng, with_foreground if on_foreground else everywhere)
            place = self._place_on_foreground if on_foreground else self._place_anywhere
            start, target = place(rng, cases[index], geometry.patch_shape)
            patches.append(Patch(case=index, start=start, target=target))
        return tuple(patches)

    def forced_patches(self, batch_size: int) -> int:
        """Return how many patches of a batch must hold foreground."""
        share = self.options.foreground_share
        return max(1, round(batch_size * share)) if share > 0 else 0

    def _place_anywhere(self, rng: np.random.Generator, case: TrainingCase, shape: Triple) -> tuple[Triple, int]:
        if case.annotated is not None and len(case.annotated):
            return self._place_around(rng, case.annotated, case, shape), 0
        x, y, z = (int(rng.integers(low, high + 1)) for low, high in _find_bounds(case, shape))
        return (x, y, z), 0

    def _place_on_foreground(self, rng: np.random.Generator, case: TrainingCase, shape: Triple) -> tuple[Triple, int]:
        present = [index for index, voxels in enumerate(case.foreground) if len(voxels)]
        chosen = present[int(rng.integers(len(present)))]
        voxels = case.foreground[chosen]
        if self.options.needs_lesions():
            voxels = _choose_lesion(rng, case.lesions[chosen], self.options.lesion_balance)
        return self._place_around(rng, voxels, case, shape), chosen + 1

    def _place_around(self, rng: np.random.Generator, voxels: Coordinates, case: TrainingCase, shape: Triple) -> Triple:
        """Draw a patch that holds one of the voxels, and return its start."""
        voxel = voxels[rng.integers(len(voxels))]
        start = []
        for axis, (low, high) in enumerate(_find_bounds(case, shape)):
            place = int(0.5 * shape[axis] * (1 + self.options.jitter_share * rng.uniform(-1, 1)))
            start.append(min(max(int(voxel[axis]) - place, low), high))
        return (start[0], start[1], start[2])


def _choose_lesion(rng: np.random.Generator, lesions: Lesions, balance: float) -> Coordinates:
    """Draw one lesion and return its voxels; the weight of n voxels is n ** (1 - balance)."""
    reached = np.cumsum(lesions.sizes.astype(np.float64) ** (1.0 - balance))
    return lesions.voxels[int(np.searchsorted(reached, rng.random() * reached[-1], side="right"))]


def _find_bounds(case: TrainingCase, shape: Triple) -> list[tuple[int, int]]:
    """Return the lowest and highest start per axis: inside the case, or centred on it where the patch is larger."""
    spaces = [length - edge for length, edge in zip(case.voxels.shape, shape, strict=True)]
    return [(0, free) if free >= 0 else (free // 2, free // 2) for free in spaces]


PlacerBuilder = Callable[[Any], Placer]

BUILDERS: BuilderTable[PlacerBuilder] = BuilderTable(
    PATCHES,
    {
        AnywhereOptions: lambda options: ForegroundPlacer(ForegroundOptions(foreground_share=0.0)),
        ForegroundOptions: ForegroundPlacer,
    },
)


def build_placer(choice: Choice) -> Placer:
    """Build what places patches as a plan says.

    Raises:
        PlanError: there is no such part.
    """
    options, build = BUILDERS.find(choice)
    return build(options)
