"""Scores of the surroundings of each lesion, so that a small one weighs as much as a large one (Jaus 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray

from autoseg.evaluation.lesion_matching import Connectivity, LabelledLesions
from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About
from autoseg.evaluation.surfaces import find_surface


@dataclass(frozen=True, kw_only=True, slots=True)
class ComponentDiceOptions:
    """Mean over the reference's lesions of the Dice of the voxels that are nearest to each: CC-Dice.

    Attributes:
        connectivity: voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    about: ClassVar[About] = About(
        title="CC-Dice",
        better="higher",
        definition="mean over the reference's lesions of the Dice of the lesion and of the predicted voxels that are "
        "nearer to it than to any other, in voxels; the lesion that comes first takes those equally near",
        perfect=1.0,
        source="Jaus 2024",
        order_matters=True,
    )
    connectivity: Connectivity = 26
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the mean, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        lesions = pair.lesions(self.connectivity)
        shared = np.bincount(lesions.reference.voxels[pair.shared], minlength=lesions.reference.count + 1)[1:]
        astray = assign_to_nearest(np.argwhere(pair.prediction & ~pair.reference), lesions.reference)
        predicted = shared + np.bincount(astray, minlength=lesions.reference.count)
        return float(np.mean(2 * shared / (predicted + lesions.reference_sizes)))


def assign_to_nearest(voxels: NDArray[np.int64], lesions: LabelledLesions) -> NDArray[np.int64]:
    """Return (voxel,) the number, from 0, of the lesion that is nearest to each voxel, (voxel, axis).

    Distances are in voxels. Of lesions that are equally near, the first one is taken.
    """
    owners = np.zeros(len(voxels), dtype=np.int64)
    if lesions.count < 2 or not len(voxels):
        return owners
    surface = find_surface(lesions.voxels > 0)
    places, numbers = np.argwhere(surface), lesions.voxels[surface] - 1
    distances, nearest = map(np.asarray, scipy.spatial.KDTree(places).query(voxels))
    owners[:] = numbers[nearest]
    for number in range(lesions.count):
        own = places[numbers == number]
        near = np.flatnonzero((owners > number) & (_distances_to_box(voxels, own) <= distances))
        if len(near):
            found = np.asarray(scipy.spatial.KDTree(own).query(voxels[near])[0])
            owners[near[found <= distances[near]]] = number
    return owners


def _distances_to_box(voxels: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (voxel,) the distance of each voxel to the box around places, at most that to the nearest of them."""
    low, high = places.min(axis=0), places.max(axis=0)
    outside = np.maximum(np.maximum(low - voxels, voxels - high), 0)
    distances: NDArray[np.float64] = np.sqrt((outside * outside).sum(axis=1).astype(np.float64))
    return distances
