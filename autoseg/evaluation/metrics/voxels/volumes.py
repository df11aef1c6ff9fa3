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
