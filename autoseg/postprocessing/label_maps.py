"""A whole label map, and one label or region of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.postprocessing.steps import Found
from dataset_fingerprints.dataset import Heads, LabelScheme
from dataset_fingerprints.errors import PlanError, did_you_mean
from dataset_fingerprints.geometry import Box, TripleFloat
from dataset_fingerprints.reading.body import bounding_box

# From a label or region, by its place in the scheme, and (x, y, z) components, numbered from 1 inside a box of the
# label map, to the largest probability in each, by number.
PeakFinder = Callable[[int, Box, NDArray[np.integer]], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelMap:
    """A predicted label map and what it came from.

    Attributes:
        indices: (x, y, z) label indices.
        spacing_mm: of the voxels.
        find_peaks: how probable its components are.
    """

    indices: NDArray[np.uint8]
    scheme: LabelScheme
    spacing_mm: TripleFloat
    find_peaks: PeakFinder

    def find_targets(self, name: str) -> tuple[int, ...]:
        """Return the place of a label or region in the scheme, or all places for an empty name.

        Raises:
            PlanError: there is no label or region of that name.
        """
        names = [entry.name for entry in self.scheme.regions or self.scheme.labels]
        if not name:
            return tuple(range(len(names)))
        if name not in names:
            raise PlanError(f"post-processing: there is no label or region '{name}'. {did_you_mean(name, names)}")
        return (names.index(name),)

    def reduce(self, target: int, keep: Callable[[Found], NDArray[np.bool_]]) -> NDArray[np.uint8]:
        """Return the label indices without what a step takes out of one label or region.

        Where a region is taken out, its voxels keep the label of another region that lies around it, if there is one.

        Args:
            target: the label or region, by its place in the scheme.
            keep: the step.
        """
        heads = self.scheme.heads()
        mask = np.isin(self.indices, heads.targets()[target])
        if not mask.any():
            return self.indices
        box = bounding_box(mask)
        mask = mask[box.slices()]
        found = Found(
            mask=mask,
            voxel_mm3=math.prod(self.spacing_mm),
            find_peaks=lambda components: self.find_peaks(target, box, components),
        )
        removed = mask & ~keep(found)
        result = self.indices.copy()
        inside = result[box.slices()]
        inside[removed] = _indices_without(target, heads, self.scheme.index_count())[inside[removed]]
        return result


def _indices_without(target: int, heads: Heads, count: int) -> NDArray[np.uint8]:
    """Return, for every label index, the one that stays when the label or region is taken out of a voxel."""
    members = heads.targets()
    written = heads.written[-len(members) :]
    table = np.arange(count, dtype=np.uint8)
    for index in members[target]:
        around = [
            new
            for other, new in enumerate(written)
            if other != target and index in members[other] and new not in members[target]
        ]
        table[index] = around[-1] if around else 0
    return table
