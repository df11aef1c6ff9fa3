"""A whole label map, and one label or region of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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

    def change(self, target: int, step: Callable[[Found], NDArray[np.bool_]]) -> NDArray[np.uint8]:
        """Return the label indices after a step on one label or region.

        Where a region is taken out, its voxels keep the label of another region that lies around it, if there is one.
        Where a label is added, voxels of other labels stay as they are; a region is added where no other one loses by
        it.

        Args:
            target: the label or region, by its place in the scheme.
            step: returns the mask that there is after it.
        """
        heads = self.scheme.heads()
        mask = np.isin(self.indices, heads.targets()[target])
        if not mask.any():
            return self.indices
        box = bounding_box(mask)
        mask = mask[box.slices()]
        after = step(self._find(mask, lambda components: self.find_peaks(target, box, components)))
        removed, added = mask & ~after, after & ~mask
        result = self.indices.copy()
        inside = result[box.slices()]
        if removed.any():
            inside[removed] = _indices_without(target, heads, self.scheme.index_count())[inside[removed]]
        if added.any():
            inside[added] = _indices_with(target, heads, self.scheme.index_count())[inside[added]]
        return result

    def reduce_together(self, values: Sequence[int], step: Callable[[Found], NDArray[np.bool_]]) -> NDArray[np.uint8]:
        """Return the label indices after a step on the joint mask of some labels; what it takes out is background.

        Args:
            values: of the labels.
            step: returns the mask that there is after it, inside the one before; it does not look at peaks.

        Raises:
            PlanError: there is no label of one of the values.
        """
        known = self.scheme.known_values()
        unknown = [value for value in values if value not in known]
        if unknown:
            raise PlanError(f"post-processing: there is no label of value {unknown[0]}. Expected some of {known}.")
        mask = np.isin(self.indices, [known.index(value) for value in values])
        if not mask.any():
            return self.indices
        box = bounding_box(mask)
        inside = mask[box.slices()]
        result = self.indices.copy()
        kept = step(self._find(inside, lambda components: np.zeros(int(components.max()) + 1, dtype=np.float32)))
        result[box.slices()][inside & ~kept] = 0
        return result

    def _find(self, mask: NDArray[np.bool_], find_peaks: Callable[[NDArray[np.integer]], NDArray[np.float32]]) -> Found:
        x, y, z = (length == 1 for length in self.indices.shape)
        return Found(mask=mask, voxel_mm3=math.prod(self.spacing_mm), find_peaks=find_peaks, flat=(x, y, z))


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


def _indices_with(target: int, heads: Heads, count: int) -> NDArray[np.uint8]:
    """Return, for every label index, the one that there is when the label or region is added to a voxel."""
    members = heads.targets()
    new = heads.written[-len(members) :][target]
    table = np.arange(count, dtype=np.uint8)

    def marked_by(index: int) -> set[int]:
        return {place for place, indices in enumerate(members) if index in indices}

    for index in range(count):
        if index != heads.ignored and target in marked_by(new) and marked_by(index) <= marked_by(new):
            table[index] = new
    return table
