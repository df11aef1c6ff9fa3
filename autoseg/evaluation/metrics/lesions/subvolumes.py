"""Sub-volumes that an image is divided into, and which of them hold any of a mask."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About
from dataset_fingerprints.geometry import Triple

_DIVIDED = "; the image is divided into `parts` along its axes, as equal as voxels allow"


def mark_subvolumes(mask: NDArray[np.bool_], pair: MaskPair, parts: Triple) -> NDArray[np.bool_]:
    """Return which sub-volumes hold a voxel of a mask.

    Args:
        mask: (x, y, z), cropped as those of the pair.
        pair: that the mask is of.
        parts: sub-volumes along each axis.
    """
    marked = mask
    rows = zip(pair.image_shape, pair.start, mask.shape, parts, strict=True)
    for axis, (whole, start, length, count) in enumerate(rows):
        borders = [min(max(whole * number // count - start, 0), length) for number in range(count + 1)]
        moved = np.moveaxis(marked, axis, 0)
        marked = np.moveaxis(np.stack([moved[low:high].any(axis=0) for low, high in pairwise(borders)]), 0, axis)
    return marked


def mark_both(pair: MaskPair, parts: Triple) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which sub-volumes hold a voxel of the prediction, and which one of the reference."""
    return mark_subvolumes(pair.prediction, pair, parts), mark_subvolumes(pair.reference, pair, parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSubvolumesOptions:
    """Number of sub-volumes that hold voxels of both masks, which need not touch.

    Attributes:
        parts: sub-volumes along x, y and z.
    """

    about: ClassVar[About] = About(
        title="Found sub-volumes",
        better="neither",
        definition="sub-volumes that hold voxels of reference and prediction" + _DIVIDED,
        symmetric=True,
    )
    parts: Triple = (2, 2, 2)

    def measure(self, pair: MaskPair) -> float | None:
        """Return the number."""
        prediction, reference = mark_both(pair, self.parts)
        return int(np.count_nonzero(prediction & reference))


@dataclass(frozen=True, kw_only=True, slots=True)
class MissedSubvolumesOptions:
    """Number of sub-volumes that hold voxels of the reference alone.

    Attributes:
        parts: as for `FoundSubvolumesOptions`.
    """

    about: ClassVar[About] = About(
        title="Missed sub-volumes",
        better="lower",
        definition="sub-volumes that hold voxels of the reference and none of the prediction" + _DIVIDED,
        perfect=0.0,
    )
    parts: Triple = (2, 2, 2)

    def measure(self, pair: MaskPair) -> float | None:
        """Return the number."""
        prediction, reference = mark_both(pair, self.parts)
        return int(np.count_nonzero(reference & ~prediction))


@dataclass(frozen=True, kw_only=True, slots=True)
class FalseSubvolumesOptions:
    """Number of sub-volumes that hold voxels of the prediction alone.

    Attributes:
        parts: as for `FoundSubvolumesOptions`.
    """

    about: ClassVar[About] = About(
        title="False sub-volumes",
        better="lower",
        definition="sub-volumes that hold voxels of the prediction and none of the reference" + _DIVIDED,
        perfect=0.0,
    )
    parts: Triple = (2, 2, 2)

    def measure(self, pair: MaskPair) -> float | None:
        """Return the number."""
        prediction, reference = mark_both(pair, self.parts)
        return int(np.count_nonzero(prediction & ~reference))
