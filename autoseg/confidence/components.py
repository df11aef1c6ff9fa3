"""Connected components of all labels of a mask, numbered one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Box
from dataset_fingerprints.reading.body import bounding_box

# Voxels that are counted at once, each of which numpy copies to eight bytes. Of more components than this as many
# voxels are: each count is as long as there are components.
_COUNTED = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Components:
    """Components of labels that do not overlap; of noise there may be millions.

    Attributes:
        box: around them, in the canonical grid.
        numbers: (x, y, z) inside the box, from 1; 0 outside of all of them.
        targets: the labels or regions, by their places in the scheme.
        sizes: voxels by number, that of number 0 being 0.
        owners: by number: 0 for number 0, else one more than the position in `targets`.
    """

    box: Box
    numbers: NDArray[np.unsignedinteger]
    targets: tuple[int, ...]
    sizes: NDArray[np.int32]
    owners: NDArray[np.uint8]

    def of(self, position: int) -> NDArray[np.integer]:
        """Return the numbers of the components of the target at a position, ascending."""
        return np.flatnonzero(self.owners == position + 1)

    def largest(self, position: int, most: int) -> NDArray[np.integer]:
        """Return the numbers of a target's largest components, the largest first, of equal ones the first found."""
        own = self.of(position)
        return own[np.argsort(-self.sizes[own], kind="stable")[:most]]


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
    return find_components_of(labels, values, divided=divided)


def find_components_of(
    labels: NDArray[np.integer], values: Sequence[tuple[int, ...]], *, divided: bool = True
) -> tuple[Components, ...]:
    """Return the components of targets, each given by the label values that it is made of; see `find_components`."""
    flat = [value for own in values for value in own]
    groups = [tuple(range(len(values)))] if len(flat) == len(set(flat)) else [(place,) for place in range(len(values))]
    marked = labels != 0
    box = bounding_box(marked) if marked.any() else Box(start=(0, 0, 0), stop=(1, 1, 1))
    del marked
    inside = labels[box.slices()]
    return tuple(_number(inside, box, group, [values[place] for place in group], divided=divided) for group in groups)


def _number(
    inside: NDArray[np.integer],
    box: Box,
    targets: tuple[int, ...],
    values: Sequence[tuple[int, ...]],
    *,
    divided: bool,
) -> Components:
    # Padded, because cc3d 4.1.1 stops with "maximum length exception" on small boxes full of components.
    padded = np.zeros(tuple(length + 2 for length in inside.shape), dtype=np.uint8)
    marks = padded[1:-1, 1:-1, 1:-1]
    for position, own in enumerate(values, start=1):
        for value in own:
            marks[inside == value] = position
    numbers = marks
    if divided:
        numbers = cc3d.connected_components(padded, connectivity=26)[1:-1, 1:-1, 1:-1]
    count = int(numbers.max())
    sizes, owners = np.zeros(count + 1, dtype=np.int32), np.zeros(count + 1, dtype=np.uint8)
    for found, own_marks in zip(_pieces(numbers, count), _pieces(marks, count), strict=True):
        np.add(sizes, np.bincount(found, minlength=count + 1), out=sizes, casting="unsafe")
        owners[found] = own_marks
    sizes[0] = 0
    return Components(box=box, numbers=numbers, targets=targets, sizes=sizes, owners=owners)


def _pieces(array: NDArray[np.unsignedinteger], count: int) -> Iterator[NDArray[np.unsignedinteger]]:
    """Yield an array layers by layers, flat."""
    layers = max(1, max(_COUNTED, count) // (array.shape[1] * array.shape[2]))
    for start in range(0, len(array), layers):
        yield array[start : start + layers].ravel()
