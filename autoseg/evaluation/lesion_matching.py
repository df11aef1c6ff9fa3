"""Lesions of two masks and their matching, so that a small lesion weighs as much as a large one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

# Voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
Connectivity = Literal[6, 18, 26]
Matching = Literal["any_overlap", "iou_0.25", "iou_0.5"]

# Possible pairs that are counted in a table of all, which is quicker than sorting.
_FEW_PAIRS = 1_000_000

# What the matchings do, for people.
MATCHED: dict[Matching, str] = {
    "any_overlap": "a lesion is found or right as soon as one of its voxels lies in the other mask; one predicted "
    "lesion may find several, and several one",
    "iou_0.25": "one to one: pairs of lesions with an IoU of at least 0.25, the best pairs first",
    "iou_0.5": "one to one: pairs of lesions with an IoU of at least 0.5, the best pairs first",
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LabelledLesions:
    """The lesions of one mask.

    Attributes:
        voxels: (x, y, z), each voxel's lesion, numbered from 1; 0 outside.
        count: number of lesions.
    """

    voxels: NDArray[np.integer]
    count: int

    def sizes(self) -> NDArray[np.int64]:
        """Return (count,) the number of voxels of each lesion."""
        return np.bincount(self.voxels[self.voxels > 0], minlength=self.count + 1)[1:].astype(np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class LesionPair:
    """The lesions of a prediction and of its reference.

    Attributes:
        shared: (x, y, z), True where both masks are.
    """

    prediction: LabelledLesions
    reference: LabelledLesions
    shared: NDArray[np.bool_]

    @cached_property
    def prediction_sizes(self) -> NDArray[np.int64]:
        """The number of voxels of each predicted lesion, (lesion,)."""
        return self.prediction.sizes()

    @cached_property
    def reference_sizes(self) -> NDArray[np.int64]:
        """The number of voxels of each lesion of the reference, (lesion,)."""
        return self.reference.sizes()

    @cached_property
    def overlaps(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The pairs of lesions that share voxels: of the prediction, of the reference (from 0), and how many voxels.

        In the order of the predicted lesions, and of those of the reference for each.
        """
        stride = self.reference.count + 1
        keys = self.prediction.voxels[self.shared].astype(np.int64) * stride + self.reference.voxels[self.shared]
        if stride * (self.prediction.count + 1) <= _FEW_PAIRS:
            counts = np.bincount(keys)
            pairs = np.flatnonzero(counts)
            voxels = counts[pairs]
        else:
            pairs, voxels = np.unique(keys, return_counts=True)
        return pairs // stride - 1, pairs % stride - 1, voxels.astype(np.int64)

    def found(self) -> NDArray[np.bool_]:
        """Return (lesion,) whether each lesion of the reference shares a voxel with the prediction."""
        found = np.zeros(self.reference.count, dtype=bool)
        found[self.overlaps[1]] = True
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionMatch:
    """Numbers of matched and unmatched lesions.

    Attributes:
        found: reference lesions that the prediction holds.
        missed: reference lesions that it does not.
        false: predicted lesions that are not in the reference.
        ious: of the pairs, where lesions are matched one to one.
    """

    found: int
    missed: int
    false: int
    ious: tuple[float, ...] = ()


def label_lesions(mask: NDArray[np.bool_], connectivity: Connectivity) -> LabelledLesions:
    """Return the connected components of an (x, y, z) mask.

    Not by cc3d: its version 4.1.1 stops with "maximum length exception" on small boxes full of lesions, such as two
    voxels in a box of 3x1x1, and lesions lie in just such boxes.
    """
    steps = {6: 1, 18: 2, 26: 3}[connectivity]
    labelled, count = scipy.ndimage.label(mask, scipy.ndimage.generate_binary_structure(3, steps))
    return LabelledLesions(voxels=labelled, count=int(count))


def match_by_any_overlap(lesions: LesionPair) -> LesionMatch:
    """Match leniently: one shared voxel makes a reference lesion found and a predicted lesion right (Liew 2022).

    Many-to-many: one predicted lesion that bridges two finds both, two inside one are both right.
    """
    predicted, true = lesions.prediction, lesions.reference
    found, right = (len(np.unique(side)) for side in (lesions.overlaps[1], lesions.overlaps[0]))
    return LesionMatch(found=found, missed=true.count - found, false=predicted.count - right)


def match_one_to_one(lesions: LesionPair, least_iou: float) -> LesionMatch:
    """Match lesions in pairs: the pair with the highest IoU first, each lesion once, down to the least IoU.

    Of equally good pairs, that of the first predicted lesion comes first. From 0.5 on, no lesion has a choice.
    """
    ious = tuple(_pair_up(lesions, least_iou))
    return LesionMatch(
        found=len(ious),
        missed=lesions.reference.count - len(ious),
        false=lesions.prediction.count - len(ious),
        ious=ious,
    )


def _pair_up(lesions: LesionPair, least_iou: float) -> Iterator[float]:
    """Yield the IoU of each pair."""
    predicted, true, shared = lesions.overlaps
    ious = shared / (lesions.prediction_sizes[predicted] + lesions.reference_sizes[true] - shared)
    taken: tuple[set[int], set[int]] = set(), set()
    for place in np.argsort(-ious, kind="stable"):
        mine, other = int(predicted[place]), int(true[place])
        if ious[place] >= least_iou and mine not in taken[0] and other not in taken[1]:
            taken[0].add(mine)
            taken[1].add(other)
            yield float(ious[place])


MATCHINGS: dict[Matching, Callable[[LesionPair], LesionMatch]] = {
    "any_overlap": match_by_any_overlap,
    "iou_0.25": partial(match_one_to_one, least_iou=0.25),
    "iou_0.5": partial(match_one_to_one, least_iou=0.5),
}
