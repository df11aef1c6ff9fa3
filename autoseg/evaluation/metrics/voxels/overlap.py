"""Voxel-wise agreement of two masks: ratios of three counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceOptions:
    """Dice's coefficient of two masks.

    Attributes:
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    about: ClassVar[About] = About(
        title="Dice",
        better="higher",
        definition="2 TP / (2 TP + FP + FN): twice the shared voxels per voxel of either mask",
        perfect=1.0,
        symmetric=True,
        source="Dice 1945",
    )
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the coefficient, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        return 2 * pair.counts.both / (pair.counts.prediction + pair.counts.reference)


@dataclass(frozen=True, kw_only=True, slots=True)
class IouOptions:
    """Intersection over union of two masks.

    Attributes:
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    about: ClassVar[About] = About(
        title="IoU",
        better="higher",
        definition="TP / (TP + FP + FN): shared voxels per voxel of the union",
        perfect=1.0,
        symmetric=True,
        source="Jaccard 1912",
    )
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the ratio, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        return pair.counts.both / (pair.counts.prediction + pair.counts.reference - pair.counts.both)


@dataclass(frozen=True, kw_only=True, slots=True)
class PrecisionOptions:
    """Share of the predicted voxels that are right.

    Attributes:
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    about: ClassVar[About] = About(
        title="Precision", better="higher", definition="TP / (TP + FP): shared voxels per predicted voxel", perfect=1.0
    )
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the share, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        return pair.counts.both / pair.counts.prediction


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallOptions:
    """Share of the reference's voxels that are found, also called sensitivity.

    Attributes:
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    about: ClassVar[About] = About(
        title="Recall",
        better="higher",
        definition="TP / (TP + FN): shared voxels per voxel of the reference",
        perfect=1.0,
    )
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the share, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        return pair.counts.both / pair.counts.reference
