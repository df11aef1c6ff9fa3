"""Metrics of two masks.

`METRICS` is the one table: a convention names a key and gives the options that differ, which are the fields of the
entry. An entry measures a `MaskPair`, which keeps what several metrics need of it.
"""

from __future__ import annotations

from autoseg.evaluation.metrics.surfaces.hausdorff import HausdorffOptions
from autoseg.evaluation.metrics.lesions.counts import (
    LesionCountDifferenceOptions,
    PredictionLesionsOptions,
    ReferenceLesionsOptions,
)
from autoseg.evaluation.metrics.lesions.detection import (
    FalseLesionsOptions,
    FoundLesionsOptions,
    LesionF1Options,
    LesionPrecisionOptions,
    LesionRecallOptions,
)
from autoseg.evaluation.metrics.metric import About, MetricOptions
from autoseg.evaluation.metrics.voxels.overlap import DiceOptions, IouOptions, PrecisionOptions, RecallOptions
from autoseg.evaluation.metrics.voxels.volumes import (
    PredictionVolumeOptions,
    ReferenceVolumeOptions,
    VolumeDifferenceOptions,
)

METRICS: dict[str, type[MetricOptions]] = {
    "dice": DiceOptions,
    "false_lesions": FalseLesionsOptions,
    "found_lesions": FoundLesionsOptions,
    "hausdorff_mm": HausdorffOptions,
    "iou": IouOptions,
    "lesion_count_difference": LesionCountDifferenceOptions,
    "lesion_f1": LesionF1Options,
    "lesion_precision": LesionPrecisionOptions,
    "lesion_recall": LesionRecallOptions,
    "precision": PrecisionOptions,
    "prediction_lesions": PredictionLesionsOptions,
    "prediction_volume_ml": PredictionVolumeOptions,
    "recall": RecallOptions,
    "reference_lesions": ReferenceLesionsOptions,
    "reference_volume_ml": ReferenceVolumeOptions,
    "volume_difference_ml": VolumeDifferenceOptions,
}

__all__ = ["METRICS", "About", "MetricOptions"]
