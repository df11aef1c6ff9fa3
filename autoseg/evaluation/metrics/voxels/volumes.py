"""Volumes of the masks in ml, and their difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceVolumeOptions:
    """Volume of the reference."""

    about: ClassVar[About] = About(
        title="Reference volume",
        better="neither",
        definition="volume of the reference: voxels times the volume of one",
        unit="ml",
    )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the volume in ml."""
        return pair.counts.reference * pair.voxel_ml


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionVolumeOptions:
    """Volume of the prediction."""

    about: ClassVar[About] = About(
        title="Predicted volume",
        better="neither",
        definition="volume of the prediction: voxels times the volume of one",
        unit="ml",
    )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the volume in ml."""
        return pair.counts.prediction * pair.voxel_ml


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeDifferenceOptions:
    """Absolute difference of the volumes."""

    about: ClassVar[About] = About(
        title="Volume difference",
        better="lower",
        definition="absolute difference of the volumes of prediction and reference",
        unit="ml",
        perfect=0.0,
        symmetric=True,
    )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the difference in ml."""
        return abs(pair.counts.prediction - pair.counts.reference) * pair.voxel_ml


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeErrorOptions:
    """Difference of the volumes, with its sign."""

    about: ClassVar[About] = About(
        title="Volume error",
        better="neither",
        definition="volume of the prediction minus that of the reference: above 0 where too much is predicted",
        unit="ml",
        perfect=0.0,
    )

    def measure(self, pair: MaskPair) -> float | None:
        """Return the difference in ml."""
        return (pair.counts.prediction - pair.counts.reference) * pair.voxel_ml


@dataclass(frozen=True, kw_only=True, slots=True)
class RelativeVolumeDifferenceOptions:
    """Absolute difference of the volumes as a share of the reference's.

    Attributes:
        undefined: the score where the reference is empty.
    """

    about: ClassVar[About] = About(
        title="Relative volume difference",
        better="lower",
        definition="absolute difference of the volumes / volume of the reference",
        perfect=0.0,
    )
    undefined: float | None = None

    def measure(self, pair: MaskPair) -> float | None:
        """Return the share."""
        if not pair.counts.reference:
            return self.undefined
        return abs(pair.counts.prediction - pair.counts.reference) / pair.counts.reference


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeSimilarityOptions:
    """Similarity of the volumes, wherever they lie.

    Attributes:
        both_empty: the score where neither mask holds a voxel.
        one_empty: the score where only one does.
    """

    about: ClassVar[About] = About(
        title="Volume similarity",
        better="higher",
        definition="1 - |P - R| / (P + R) of the volumes P and R of prediction and reference",
        perfect=1.0,
        symmetric=True,
        source="Taha & Hanbury 2015",
    )
    both_empty: float | None = 1.0
    one_empty: float | None = 0.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the similarity, 0 to 1."""
        if pair.empty_masks:
            return self.both_empty if pair.empty_masks == 2 else self.one_empty
        predicted, true = pair.counts.prediction, pair.counts.reference
        return 1 - abs(predicted - true) / (predicted + true)
