"""Two masks to compare, and the measurements that metrics share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

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


@dataclass(frozen=True, kw_only=True, slots=True)
class VoxelCounts:
    """Numbers of voxels in the prediction, in the reference, and in both."""

    prediction: int
    reference: int
    both: int


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskPair:
    """A predicted mask and its reference, cropped to the box around both; `pair_masks` makes one.

    Everything but the masks is measured when it is first asked for and then kept, so that metrics share it.

    Attributes:
        prediction: (x, y, z).
        reference: (x, y, z), as `prediction`.
        spacing_mm: voxel size.
        image_shape: of the uncropped image, in voxels.
    """

    prediction: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    spacing_mm: TripleFloat
    image_shape: Triple
    _lesions: dict[Connectivity, LesionPair] = field(default_factory=dict, init=False, repr=False)
    _matches: dict[tuple[Connectivity, Matching], LesionMatch] = field(default_factory=dict, init=False, repr=False)

    def holds_any(self) -> bool:
        """Return whether a voxel of either mask is marked."""
        return bool(self.prediction.any() or self.reference.any())

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
        return VoxelCounts(prediction=prediction, reference=reference, both=both)

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


def pair_masks(prediction: NDArray[np.bool_], reference: NDArray[np.bool_], spacing_mm: TripleFloat) -> MaskPair:
    """Crop two (x, y, z) masks of one image to the box around both.

    Args:
        prediction: True inside.
        reference: True inside, of the same shape.
        spacing_mm: voxel size.
    """
    box = bounding_box(prediction | reference).slices()
    x, y, z = reference.shape
    return MaskPair(prediction=prediction[box], reference=reference[box], spacing_mm=spacing_mm, image_shape=(x, y, z))
