"""Placement of patches where each case has but a few places: boxes of a grid, or crops drawn once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from autoseg.sampling.cases.training_case import Coordinates, TrainingCase
from autoseg.sampling.patches.case_choice import CaseChooser
from autoseg.sampling.patches.geometry import Patch, PatchGeometry
from autoseg.sampling.patches.random_places import LabelledCases, place_anywhere, place_on_foreground
from dataset_fingerprints.geometry import Triple
from planners.parts.patches import CropsOnMaskOptions, ForegroundOptions, GridOptions


@dataclass(frozen=True, slots=True)
class GridPlacer:
    """Placer that draws one of the boxes that a case is divided into."""

    options: GridOptions

    def place(
        self, rng: np.random.Generator, cases: Sequence[TrainingCase], chooser: CaseChooser, geometry: PatchGeometry
    ) -> tuple[Patch, ...]:
        """Draw the places of a batch's patches."""
        patches = []
        for _ in range(geometry.batch_size):
            index = chooser.choose(rng, range(len(cases)))
            starts = list_boxes(cases[index], self.options.parts, geometry)
            patches.append(Patch(case=index, start=starts[int(rng.integers(len(starts)))], target=0))
        return tuple(patches)


def list_boxes(case: TrainingCase, parts: Triple, geometry: PatchGeometry) -> list[Triple]:
    """Return the first voxels of the boxes of a case that hold any of it, and a labelled voxel where some are ignored.

    Args:
        case: that is divided.
        parts: boxes along each axis; not looked at along the sliced one.
        geometry: the boxes are as large as a patch.
    """
    axes = []
    for axis, (length, edge) in enumerate(zip(case.voxels.shape, geometry.patch_shape, strict=True)):
        count = length if axis == geometry.slice_axis else parts[axis]
        first = (length - count * edge) // 2
        starts = [first + number * edge for number in range(count)]
        axes.append([start for start in starts if -edge < start < length])
    boxes = [(x, y, z) for x, y, z in itertools.product(*axes)]
    if case.annotated is None:
        return boxes
    labelled = [start for start in boxes if _holds_any(case.annotated, start, geometry.patch_shape)]
    return labelled or boxes


def _holds_any(voxels: Coordinates, start: Triple, shape: Triple) -> bool:
    inside = (voxels >= np.array(start)) & (voxels < np.array(start) + np.array(shape))
    return bool(inside.all(axis=1).any())


@dataclass(frozen=True, slots=True)
class CropsPlacer:
    """Placer that draws one of a case's places on its labels, which are the same in the whole training.

    Attributes:
        seed: that the places follow from.
    """

    options: CropsOnMaskOptions
    seed: tuple[int, ...]
    _labelled: LabelledCases = field(default_factory=LabelledCases, init=False, repr=False, compare=False)

    def place(
        self, rng: np.random.Generator, cases: Sequence[TrainingCase], chooser: CaseChooser, geometry: PatchGeometry
    ) -> tuple[Patch, ...]:
        """Draw the places of a batch's patches."""
        labelled = self._labelled.find(cases)
        candidates: Sequence[int] = labelled or range(len(cases))
        patches = []
        for _ in range(geometry.batch_size):
            index = chooser.choose(rng, candidates)
            number = int(rng.integers(self.options.count))
            start, target = self.find_place(cases[index], number, geometry.patch_shape)
            patches.append(Patch(case=index, start=start, target=target))
        return tuple(patches)

    def find_place(self, case: TrainingCase, number: int, shape: Triple) -> tuple[Triple, int]:
        """Return a place by its number: the patch's first voxel, and the position, from 1, of the label it holds."""
        own = np.random.default_rng([*self.seed, number, *case.name.encode()])
        options = ForegroundOptions(jitter_share=self.options.jitter_share)
        if not any(map(len, case.foreground)):
            return place_anywhere(own, case, shape, options), 0
        return place_on_foreground(own, case, shape, options)
