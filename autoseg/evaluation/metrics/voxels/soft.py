"""Measures of the ATLAS R2.0 challenge, which takes masks as they are stored: soft ones too, from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About


def _measure_sums(pair: MaskPair) -> tuple[float, float, float]:
    """Return the sums of the prediction, of the reference and of their product."""
    if pair.memberships is None:
        return pair.counts.prediction, pair.counts.reference, pair.counts.both
    predicted, true = pair.memberships.prediction.ravel(), pair.memberships.reference.ravel()
    return float(predicted.sum()), float(true.sum()), float(np.dot(predicted, true))


@dataclass(frozen=True, kw_only=True, slots=True)
class SoftDiceOptions:
    """Dice's coefficient of memberships; of whole voxels it is the usual one.

    Attributes:
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    about: ClassVar[About] = About(
        title="Dice",
        better="higher",
        definition="2 sum(p t) / (sum(p) + sum(t)) of the memberships, from 0 to 1, of the voxels in prediction and "
        "reference; not thresholded, so that soft masks equal to each other score below 1",
        perfect=1.0,
        symmetric=True,
        source="npnl/atlas2_grand_challenge@55b9524",
    )
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the coefficient, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        predicted, true, both = pair.once(_measure_sums)
        return 2 * both / (predicted + true)


@dataclass(frozen=True, kw_only=True, slots=True)
class VoxelDifferenceOptions:
    """Absolute difference of the numbers of voxels."""

    about: ClassVar[About] = About(
        title="Volume difference",
        better="lower",
        definition="absolute difference of the sums of memberships: of voxels, which are mm3 where these are of 1 mm",
        unit="voxels",
        perfect=0.0,
        symmetric=True,
        source="npnl/atlas2_grand_challenge@55b9524",
    )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the difference in voxels."""
        predicted, true, _ = pair.once(_measure_sums)
        return abs(predicted - true)
