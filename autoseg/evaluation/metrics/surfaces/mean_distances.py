"""Mean distances between the surfaces of two masks, in the readings that are in use (Reinke 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About
from autoseg.evaluation.metrics.surfaces.distances import SURFACES, Surface, find_directed

_DIRECTIONS = {
    "prediction_to_reference": "from the prediction's surface to the nearest of the reference's",
    "reference_to_prediction": "from the reference's surface to the nearest of the prediction's",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AssdOptions:
    """Average symmetric surface distance: the mean over both surfaces together, so that the larger weighs more.

    Attributes:
        surface: `voxels` or `elements`.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does: there is no distance to nothing.
    """

    surface: Surface = "voxels"
    both_empty: float | None = None
    one_empty: float | None = None

    @property
    def about(self) -> About:
        """The description, which says what a surface is."""
        return About(
            title="ASSD",
            better="lower",
            definition="mean distance from a place of either surface to the nearest of the other, over all places of "
            f"both; {SURFACES[self.surface]}",
            unit="mm",
            perfect=0.0,
            symmetric=True,
            source="Heimann 2009",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the distance in mm."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        sides = find_directed(pair, self.surface)
        total = sum(float(np.sum(side.distances_mm * side.weights)) for side in sides)
        return total / sum(float(np.sum(side.weights)) for side in sides)


@dataclass(frozen=True, kw_only=True, slots=True)
class MasdOptions:
    """Mean average surface distance: the mean of both directed means, so that both surfaces weigh the same.

    Attributes:
        surface: `voxels` or `elements`.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    surface: Surface = "voxels"
    both_empty: float | None = None
    one_empty: float | None = None

    @property
    def about(self) -> About:
        """The description, which says what a surface is."""
        return About(
            title="MASD",
            better="lower",
            definition="mean of the two directed mean distances between the surfaces; " + SURFACES[self.surface],
            unit="mm",
            perfect=0.0,
            symmetric=True,
            source="Reinke 2024",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the distance in mm."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        forth, back = find_directed(pair, self.surface)
        return (forth.mean_mm() + back.mean_mm()) / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanSurfaceDistanceOptions:
    """Mean distance in one direction.

    Attributes:
        direction: from which surface to which.
        surface: `voxels` or `elements`.
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    direction: Literal["prediction_to_reference", "reference_to_prediction"] = "prediction_to_reference"
    surface: Surface = "voxels"
    both_empty: float | None = None
    one_empty: float | None = None

    @property
    def about(self) -> About:
        """The description, which says from where to where, and what a surface is."""
        return About(
            title="Mean surface distance",
            better="lower",
            definition=f"mean distance {_DIRECTIONS[self.direction]}; {SURFACES[self.surface]}",
            unit="mm",
            perfect=0.0,
            source="Reinke 2024",
        )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the distance in mm."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        forth, back = find_directed(pair, self.surface)
        return (forth if self.direction == "prediction_to_reference" else back).mean_mm()
