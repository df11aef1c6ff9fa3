"""A mask as a table of its components: scores of every rule that takes components out follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autoseg.postprocessing import ComponentFigures, find_components
from dataset_fingerprints.geometry import Box, make_box
from dataset_fingerprints.reading.body import bounding_box

# Of the components that rules look at, and of the lesions that are scored.
CONNECTIVITY: Literal[26] = 26
# From this volume on a lesion is a large one, of which next to none may be lost.
LARGE_MM3 = 100.0
# Sums of voxel volumes may lie this share below it.
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reference:
    """One label's or region's reference in a scan.

    Attributes:
        box: that holds it, in the scan's canonical grid.
        numbers: (x, y, z) in the box, each voxel's lesion, from 1.
        voxels: of all lesions.
        large: (lesion,) whether it is of `LARGE_MM3` or more; that of number 0 is False.
        ignored: (x, y, z) of the whole scan, the voxels that count in nothing; None for none.
        voxel_mm3: volume of a voxel.
    """

    box: Box
    numbers: NDArray[np.integer]
    voxels: int
    large: NDArray[np.bool_]
    ignored: NDArray[np.bool_] | None
    voxel_mm3: float

    @property
    def count(self) -> int:
        """The number of lesions."""
        return len(self.large) - 1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ComponentTable:
    """The components of a predicted mask, and what they share with the reference.

    Ignored voxels may cut a component into several pieces, or hide it; what is scored are the pieces.

    Attributes:
        figures: that rules choose components by.
        parents: (piece,) the component that it is of.
        voxels: (piece,) its voxels.
        shared: (piece,) those that lie in the reference.
        touching: (pair,) pieces that share voxels with a lesion.
        touched: (pair,) the lesions.
        reference: that it is compared with.
    """

    figures: ComponentFigures
    parents: NDArray[np.integer]
    voxels: NDArray[np.integer]
    shared: NDArray[np.integer]
    touching: NDArray[np.integer]
    touched: NDArray[np.integer]
    reference: Reference


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RuleScores:
    """Scores of one case by several rules, each (rule,).

    Attributes:
        found_large: large lesions that are found.
        found_small: small ones.
    """

    dice: NDArray[np.float64]
    lesion_f1: NDArray[np.float64]
    found_large: NDArray[np.int64]
    found_small: NDArray[np.int64]


def describe_reference(mask: NDArray[np.bool_], ignored: NDArray[np.bool_] | None, voxel_mm3: float) -> Reference:
    """Return the lesions of a reference mask (x, y, z)."""
    box = bounding_box(mask) if mask.any() else make_box((0, 0, 0), (1, 1, 1))
    lesions = find_components(mask[box.slices()], CONNECTIVITY)
    return Reference(
        box=box,
        numbers=lesions.numbers,
        voxels=int(lesions.sizes.sum()),
        large=lesions.sizes * voxel_mm3 >= LARGE_MM3 * (1 - _ROUNDING),
        ignored=ignored,
        voxel_mm3=voxel_mm3,
    )


def tabulate(
    mask: NDArray[np.bool_],
    reference: Reference,
    find_peaks: Callable[[Box, NDArray[np.integer]], NDArray[np.float32]],
) -> ComponentTable:
    """Return the components of a predicted mask.

    Args:
        mask: (x, y, z) of the whole scan.
        reference: that it is compared with.
        find_peaks: from a box and its numbered components to the largest probability in each, by number.
    """
    box = bounding_box(mask) if mask.any() else make_box((0, 0, 0), (1, 1, 1))
    mask = mask[box.slices()]
    components = find_components(mask, CONNECTIVITY)

    def measure_peaks() -> NDArray[np.float32]:
        # An empty mask lies nowhere, perhaps not where there are probabilities.
        return find_peaks(box, components.numbers) if len(components.sizes) > 1 else np.zeros(1, dtype=np.float32)

    pieces, parents = components, np.arange(len(components.sizes))
    if reference.ignored is not None:
        pieces = find_components(mask & ~reference.ignored[box.slices()], CONNECTIVITY)
        parents = np.zeros(len(pieces.sizes), dtype=np.int64)
        parents[pieces.numbers] = components.numbers
        parents[0] = 0
    touching, touched, voxels = _find_touching(pieces.numbers, box, reference)
    return ComponentTable(
        figures=ComponentFigures(volumes_mm3=components.sizes * reference.voxel_mm3, measure_peaks=measure_peaks),
        parents=parents[1:],
        voxels=pieces.sizes[1:],
        shared=np.bincount(touching, weights=voxels, minlength=len(pieces.sizes))[1:].astype(np.int64),
        touching=touching - 1,
        touched=touched,
        reference=reference,
    )


def _find_touching(
    pieces: NDArray[np.integer], box: Box, reference: Reference
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return pieces and lesions that share voxels, pair by pair, and how many they share."""
    common = box.overlap(reference.box)
    if common is None:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing
    one = pieces[common.relative_to(box).slices()]
    other = reference.numbers[common.relative_to(reference.box).slices()]
    both = (one > 0) & (other > 0)
    numbers = one[both].astype(np.int64) * (reference.count + 1) + other[both]
    pairs, voxels = np.unique(numbers, return_counts=True)
    touching, touched = np.divmod(pairs, reference.count + 1)
    return touching, touched, voxels.astype(np.int64)


def score_rules(table: ComponentTable, kept: NDArray[np.bool_]) -> RuleScores:
    """Return the scores of the masks of which only some components stay, as `autoseg.evaluation` defines them.

    Args:
        table: of the mask.
        kept: (rule, component) whether it stays, by number from 0.
    """
    reference = table.reference
    stays = kept[:, table.parents]
    predicted, shared = stays @ table.voxels, stays @ table.shared
    found = np.zeros((len(kept), reference.count + 1), dtype=bool)
    for piece, lesion in zip(table.touching, table.touched, strict=True):
        found[:, lesion] |= stays[:, piece]
    right = np.zeros(len(table.voxels), dtype=bool)
    right[table.touching] = True
    hits, false = found.sum(axis=1), stays[:, ~right].sum(axis=1)
    empty = (predicted == 0) & (reference.voxels == 0)
    missed = reference.count - hits
    # Where one of both is empty, nothing is shared and no lesion found, so that both ratios are 0.
    return RuleScores(
        dice=np.where(empty, 1.0, 2 * shared / np.maximum(predicted + reference.voxels, 1)),
        lesion_f1=np.where(empty, 1.0, hits / np.maximum(hits + (false + missed) / 2, 0.5)),
        found_large=found[:, reference.large].sum(axis=1),
        found_small=found[:, ~reference.large].sum(axis=1),
    )
