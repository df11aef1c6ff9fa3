"""Lesions of one range of sizes: a mean over all lesions is one of the many small ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.lesion_matching import Connectivity
from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About


def _find(pair: MaskPair, connectivity: Connectivity, least_mm3: float, below_mm3: float | None) -> NDArray[np.bool_]:
    """Return (lesion,) for the reference's lesions of a range of sizes whether the prediction shares a voxel."""
    lesions = pair.lesions(connectivity)
    sizes_mm3 = lesions.reference_sizes * pair.voxel_ml * 1000
    # A lesion of exactly 100 mm3 is in the range from 100 mm3 on, whatever the voxel's volume was rounded to.
    fits = sizes_mm3 >= least_mm3 * (1 - _ROUNDING)
    if below_mm3 is not None:
        fits &= sizes_mm3 < below_mm3 * (1 - _ROUNDING)
    found: NDArray[np.bool_] = lesions.found()[fits]
    return found


_ROUNDING = 1e-6


def show_range(least_mm3: float, below_mm3: float | None) -> str:
    """Return a range of sizes in words."""
    if below_mm3 is None:
        return f"from {least_mm3:g} mm3" if least_mm3 else "of all sizes"
    return f"{least_mm3:g} to {below_mm3:g} mm3" if least_mm3 else f"below {below_mm3:g} mm3"


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionRecallBySizeOptions:
    """Share of the reference's lesions of a range of sizes that share a voxel with the prediction.

    Attributes:
        least_mm3: the least volume of a lesion.
        below_mm3: the volume from which on it is too large; None for no limit.
        connectivity: voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
        undefined: the score where the reference holds no lesion of these sizes.
    """

    least_mm3: float = 0.0
    below_mm3: float | None = 100.0
    connectivity: Connectivity = 26
    undefined: float | None = None

    @property
    def about(self) -> About:
        """The description, which names the range."""
        sizes = show_range(self.least_mm3, self.below_mm3)
        return About(
            title=f"Recall of lesions {sizes}",
            better="higher",
            definition=f"lesions of the reference {sizes} that share a voxel with the prediction, per such lesion",
            perfect=None,
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the share, 0 to 1."""
        found = _find(pair, self.connectivity, self.least_mm3, self.below_mm3)
        return float(found.mean()) if len(found) else self.undefined


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundBySizeOptions:
    """Number of the reference's lesions of a range of sizes that share a voxel with the prediction.

    Attributes:
        least_mm3: as for `LesionRecallBySizeOptions`.
        below_mm3: as for `LesionRecallBySizeOptions`.
        connectivity: as for `LesionRecallBySizeOptions`.
    """

    least_mm3: float = 0.0
    below_mm3: float | None = 100.0
    connectivity: Connectivity = 26

    @property
    def about(self) -> About:
        """The description, which names the range."""
        sizes = show_range(self.least_mm3, self.below_mm3)
        return About(
            title=f"Found lesions {sizes}",
            better="neither",
            definition=f"number of lesions of the reference {sizes} that share a voxel with the prediction",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the number."""
        return int(_find(pair, self.connectivity, self.least_mm3, self.below_mm3).sum())


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionsBySizeOptions:
    """Number of the reference's lesions of a range of sizes.

    Attributes:
        least_mm3: as for `LesionRecallBySizeOptions`.
        below_mm3: as for `LesionRecallBySizeOptions`.
        connectivity: as for `LesionRecallBySizeOptions`.
    """

    least_mm3: float = 0.0
    below_mm3: float | None = 100.0
    connectivity: Connectivity = 26

    @property
    def about(self) -> About:
        """The description, which names the range."""
        sizes = show_range(self.least_mm3, self.below_mm3)
        return About(
            title=f"Lesions {sizes}", better="neither", definition=f"number of lesions of the reference {sizes}"
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the number."""
        return len(_find(pair, self.connectivity, self.least_mm3, self.below_mm3))
