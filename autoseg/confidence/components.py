"""Connected components of all labels of a mask, numbered one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.lesion_matching import LabelledLesions, label_lesions
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Box
from dataset_fingerprints.reading.body import bounding_box


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Components:
    """Components of labels that do not overlap.

    Attributes:
        box: around them, in the canonical grid.
        numbers: (x, y, z) inside the box, from 1; 0 outside of all of them.
        targets: the labels or regions, by their places in the scheme.
        counts: of each one's components, which are numbered together, in the order of the targets.
    """

    box: Box
    numbers: NDArray[np.int32]
    targets: tuple[int, ...]
    counts: tuple[int, ...]

    def ranges(self) -> Iterator[tuple[int, int, int]]:
        """Yield each target with the number before its first component, and its last component's number."""
        first = 0
        for target, count in zip(self.targets, self.counts, strict=True):
            yield target, first, first + count
            first += count


def find_components(
    labels: NDArray[np.integer], scheme: LabelScheme, *, divided: bool = True
) -> tuple[Components, ...]:
    """Return the components of every label or region, or each whole as one.

    Labels share one array; regions, which may overlap, have one each.

    Args:
        labels: (x, y, z) label values.
        scheme: of the labels.
        divided: whether components are told apart.
    """
    values = (
        [region.values for region in scheme.regions] if scheme.regions else [(label.value,) for label in scheme.labels]
    )
    groups = [(place,) for place in range(len(values))] if scheme.regions else [tuple(range(len(values)))]
    return tuple(_number(labels, {place: values[place] for place in group}, divided=divided) for group in groups)


def _number(labels: NDArray[np.integer], values: dict[int, tuple[int, ...]], *, divided: bool) -> Components:
    marked = labels != 0
    box = bounding_box(marked) if marked.any() else Box(start=(0, 0, 0), stop=(1, 1, 1))
    inside = labels[box.slices()]
    numbers = np.zeros(inside.shape, dtype=np.int32)
    counts, before = [], 0
    for own in values.values():
        # numpy's isin takes sixteen bytes per voxel.
        mask = reduce(np.logical_or, (inside == value for value in own))
        count = 0
        if mask.any():
            place = bounding_box(mask).slices()
            found = label_lesions(mask[place], 26) if divided else LabelledLesions(voxels=mask[place] * 1, count=1)
            count = found.count
            np.add(found.voxels, before, out=numbers[place], where=mask[place], casting="unsafe")
        counts.append(count)
        before += count
    return Components(box=box, numbers=numbers, targets=tuple(values), counts=tuple(counts))
