"""Two masks to compare, and the measurements that metrics share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.lesion_matching import (
    MATCHINGS,
    Connectivity,
    LesionMatch,
    LesionPair,
    Matching,
    label_lesions,
)
from autoseg.evaluation.surfaces import find_surface, measure_distances
from dataset_fingerprints.geometry import Triple, TripleFloat
from dataset_fingerprints.reading.body import bounding_box

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class VoxelCounts:
    """Numbers of voxels in the prediction, in the reference, in both, and in neither.

    Attributes:
        neither: of the whole image, but for the voxels that the reference ignores.
    """

    prediction: int
    reference: int
    both: int
    neither: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Memberships:
    """Both masks as they are stored where they are soft: (x, y, z) each, from 0 outside to 1 inside."""

    prediction: NDArray[np.float64]
    reference: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Probabilities:
    """Probabilities of a label in the whole image, but for the voxels that the reference ignores.

    Attributes:
        values: (voxel,).
        reference: (voxel,), True inside the reference.
    """

    values: NDArray[np.float32]
    reference: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskPair:
    """A predicted mask and its reference, cropped to the box around both; `pair_masks` makes one.

    Everything but the masks is measured when it is first asked for and then kept, so that metrics share it.

    Attributes:
        prediction: (x, y, z).
        reference: (x, y, z), as `prediction`.
        spacing_mm: voxel size.
        image_shape: of the uncropped image, in voxels.
        start: the first voxel of the box in the uncropped image.
        ignored: number of voxels that the reference ignores.
        memberships: of soft masks, cropped as the masks are; None of masks of whole voxels.
        probabilities: of the label, where they are known.
    """

    prediction: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    spacing_mm: TripleFloat
    image_shape: Triple
    start: Triple = (0, 0, 0)
    ignored: int = 0
    memberships: Memberships | None = None
    probabilities: Probabilities | None = None
    _kept: dict[Callable[[MaskPair], Any], Any] = field(default_factory=dict, init=False, repr=False)
    _lesions: dict[Connectivity, LesionPair] = field(default_factory=dict, init=False, repr=False)
    _matches: dict[tuple[Connectivity, Matching], LesionMatch] = field(default_factory=dict, init=False, repr=False)

    def holds_any(self) -> bool:
        """Return whether a voxel of either mask is marked."""
        return bool(self.prediction.any() or self.reference.any())

    def once(self, measure: Callable[[MaskPair], Result]) -> Result:
        """Return what a function measures of the pair, measured when it is first asked for."""
        if measure not in self._kept:
            self._kept[measure] = measure(self)
        return cast("Result", self._kept[measure])

    @property
    def flat(self) -> tuple[bool, bool, bool]:
        """The axes along which the image is one voxel long: a 2D image has one."""
        x, y, z = (length == 1 for length in self.image_shape)
        return (x, y, z)

    @property
    def voxel_ml(self) -> float:
        """The volume of a voxel in ml."""
        return float(np.prod(self.spacing_mm)) / 1000.0

    @property
    def empty_masks(self) -> int:
        """The number of masks without a voxel: 0, 1 or 2."""
        return (self.counts.prediction == 0) + (self.counts.reference == 0)

    @cached_property
    def shared(self) -> NDArray[np.bool_]:
        """The voxels of both masks, (x, y, z)."""
        return self.prediction & self.reference

    @cached_property
    def counts(self) -> VoxelCounts:
        """The numbers of voxels."""
        masks = (self.prediction, self.reference, self.shared)
        prediction, reference, both = (int(np.count_nonzero(mask)) for mask in masks)
        neither = int(np.prod(self.image_shape)) - self.ignored - (prediction + reference - both)
        return VoxelCounts(prediction=prediction, reference=reference, both=both, neither=neither)

    @cached_property
    def surfaces(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """The surface voxels of prediction and reference, (x, y, z) each; of a 2D image, the outlines."""
        return find_surface(self.prediction, self.flat), find_surface(self.reference, self.flat)

    @cached_property
    def surface_distances_mm(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The distances from each surface voxel of the prediction to the nearest one of the reference, and back.

        Only where both masks hold voxels: there is no distance to nothing.
        """
        predicted, true = self.surfaces
        return (
            measure_distances(predicted, true, self.spacing_mm),
            measure_distances(true, predicted, self.spacing_mm),
        )

    def lesions(self, connectivity: Connectivity) -> LesionPair:
        """Return the connected components of both masks."""
        if connectivity not in self._lesions:
            self._lesions[connectivity] = LesionPair(
                prediction=label_lesions(self.prediction, connectivity),
                reference=label_lesions(self.reference, connectivity),
                shared=self.shared,
            )
        return self._lesions[connectivity]

    def match_lesions(self, connectivity: Connectivity, matching: Matching) -> LesionMatch:
        """Return the numbers of lesions that are found, missed and falsely predicted."""
        key = (connectivity, matching)
        if key not in self._matches:
            self._matches[key] = MATCHINGS[matching](self.lesions(connectivity))
        return self._matches[key]


def pair_masks(
    prediction: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    spacing_mm: TripleFloat,
    *,
    ignored: NDArray[np.bool_] | None = None,
    probabilities: NDArray[np.float32] | None = None,
) -> MaskPair:
    """Crop two (x, y, z) masks of one image to the box around both.

    Args:
        prediction: True inside.
        reference: True inside, of the same shape.
        spacing_mm: voxel size.
        ignored: True where the reference says nothing, and where no mask holds a voxel; None for nowhere.
        probabilities: (x, y, z) of the label; None where they are not known.
    """
    around = bounding_box(prediction | reference)
    box = around.slices()
    x, y, z = reference.shape
    return MaskPair(
        prediction=prediction[box],
        reference=reference[box],
        spacing_mm=spacing_mm,
        image_shape=(x, y, z),
        start=around.start,
        ignored=0 if ignored is None else int(np.count_nonzero(ignored)),
        probabilities=None if probabilities is None else _flatten(probabilities, reference, ignored),
    )


def pair_soft_masks(
    prediction: NDArray[np.floating],
    reference: NDArray[np.floating],
    spacing_mm: TripleFloat,
    probabilities: NDArray[np.float32] | None = None,
) -> MaskPair:
    """Crop two soft (x, y, z) masks to the box around both; each mask is where its membership is above 0.

    Memberships are limited to 0 to 1. Probabilities are those of `pair_masks`.
    """
    values = tuple(np.clip(side, 0.0, 1.0).astype(np.float64) for side in (prediction, reference))
    inside, true = (side > 0 for side in values)
    around = bounding_box(inside | true)
    box = around.slices()
    x, y, z = reference.shape
    return MaskPair(
        prediction=inside[box],
        reference=true[box],
        spacing_mm=spacing_mm,
        image_shape=(x, y, z),
        start=around.start,
        memberships=Memberships(prediction=values[0][box], reference=values[1][box]),
        probabilities=None if probabilities is None else _flatten(probabilities, true, None),
    )


def _flatten(
    probabilities: NDArray[np.float32], reference: NDArray[np.bool_], ignored: NDArray[np.bool_] | None
) -> Probabilities:
    if ignored is None:
        return Probabilities(values=probabilities.ravel(), reference=reference.ravel())
    return Probabilities(values=probabilities[~ignored], reference=reference[~ignored])
