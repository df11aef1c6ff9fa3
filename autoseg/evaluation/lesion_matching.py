"""Lesions of two masks and their matching, so that a small lesion weighs as much as a large one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

# Voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
Connectivity = Literal[6, 18, 26]
Matching = Literal["any_overlap"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LabelledLesions:
    """The lesions of one mask.

    Attributes:
        voxels: (x, y, z), each voxel's lesion, numbered from 1; 0 outside.
        count: number of lesions.
    """

    voxels: NDArray[np.integer]
    count: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LesionPair:
    """The lesions of a prediction and of its reference.

    Attributes:
        shared: (x, y, z), True where both masks are.
    """

    prediction: LabelledLesions
    reference: LabelledLesions
    shared: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionMatch:
    """Numbers of matched and unmatched lesions.

    Attributes:
        found: reference lesions that the prediction holds.
        missed: reference lesions that it does not.
        false: predicted lesions that are not in the reference.
    """

    found: int
    missed: int
    false: int


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
    found, right = (len(np.unique(side.voxels[lesions.shared])) for side in (true, predicted))
    return LesionMatch(found=found, missed=true.count - found, false=predicted.count - right)


MATCHINGS: dict[Matching, Callable[[LesionPair], LesionMatch]] = {"any_overlap": match_by_any_overlap}
