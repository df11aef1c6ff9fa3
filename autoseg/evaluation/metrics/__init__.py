"""Metrics of two masks.

`METRICS` is the one table: a convention names a key and gives the options that differ, which are the fields of the
entry. An entry measures a `MaskPair`, which keeps what several metrics need of it.
"""

from __future__ import annotations

from autoseg.evaluation.metrics.lesions.by_size import (
    FoundBySizeOptions,
    LesionRecallBySizeOptions,
    LesionsBySizeOptions,
)
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
    MissedLesionsOptions,
)
from autoseg.evaluation.metrics.lesions.panoptic import (
    DiceIfMatchedOptions,
    LesionQualityOptions,
    PanopticQualityOptions,
)
from autoseg.evaluation.metrics.lesions.regions import ComponentDiceOptions
from autoseg.evaluation.metrics.lesions.subvolumes import (
    FalseSubvolumesOptions,
    FoundSubvolumesOptions,
    MissedSubvolumesOptions,
)
from autoseg.evaluation.metrics.metric import About, MetricOptions, describe_empty, describe_matching
from autoseg.evaluation.metrics.probabilities.curves import (
    AveragePrecisionOptions,
    MaximalDiceOptions,
    PrAucOptions,
    RocAucOptions,
)
from autoseg.evaluation.metrics.surfaces.hausdorff import HausdorffOptions
from autoseg.evaluation.metrics.surfaces.hausdorff_variants import (
    HausdorffElementsOptions,
    HausdorffPooledOptions,
    HausdorffSetsOptions,
)
from autoseg.evaluation.metrics.surfaces.mean_distances import AssdOptions, MasdOptions, MeanSurfaceDistanceOptions
from autoseg.evaluation.metrics.surfaces.surface_dice import SurfaceDiceOptions
from autoseg.evaluation.metrics.voxels.confusion import CONFUSION
from autoseg.evaluation.metrics.voxels.mean_iou import MeanIouOptions
from autoseg.evaluation.metrics.voxels.overlap import DiceOptions, IouOptions, PrecisionOptions, RecallOptions
from autoseg.evaluation.metrics.voxels.soft import SoftDiceOptions, VoxelDifferenceOptions
from autoseg.evaluation.metrics.voxels.volumes import (
    PredictionVolumeOptions,
    ReferenceVolumeOptions,
    RelativeVolumeDifferenceOptions,
    VolumeDifferenceOptions,
    VolumeErrorOptions,
    VolumeSimilarityOptions,
)

METRICS: dict[str, type[MetricOptions]] = {
    "dice": DiceOptions,
    "iou": IouOptions,
    "mean_iou": MeanIouOptions,
    "precision": PrecisionOptions,
    "recall": RecallOptions,
    **CONFUSION,
    "soft_dice": SoftDiceOptions,
    "reference_volume_ml": ReferenceVolumeOptions,
    "prediction_volume_ml": PredictionVolumeOptions,
    "volume_difference_ml": VolumeDifferenceOptions,
    "volume_difference_voxels": VoxelDifferenceOptions,
    "volume_error_ml": VolumeErrorOptions,
    "relative_volume_difference": RelativeVolumeDifferenceOptions,
    "volume_similarity": VolumeSimilarityOptions,
    "hausdorff_mm": HausdorffOptions,
    "hausdorff_sets_mm": HausdorffSetsOptions,
    "hausdorff_elements_mm": HausdorffElementsOptions,
    "hausdorff_pooled_mm": HausdorffPooledOptions,
    "assd_mm": AssdOptions,
    "masd_mm": MasdOptions,
    "mean_surface_distance_mm": MeanSurfaceDistanceOptions,
    "surface_dice": SurfaceDiceOptions,
    "lesion_f1": LesionF1Options,
    "lesion_precision": LesionPrecisionOptions,
    "lesion_recall": LesionRecallOptions,
    "lesion_recall_by_size": LesionRecallBySizeOptions,
    "lesion_quality": LesionQualityOptions,
    "panoptic_quality": PanopticQualityOptions,
    "component_dice": ComponentDiceOptions,
    "dice_if_matched": DiceIfMatchedOptions,
    "reference_lesions": ReferenceLesionsOptions,
    "prediction_lesions": PredictionLesionsOptions,
    "lesion_count_difference": LesionCountDifferenceOptions,
    "found_lesions": FoundLesionsOptions,
    "missed_lesions": MissedLesionsOptions,
    "false_lesions": FalseLesionsOptions,
    "lesions_by_size": LesionsBySizeOptions,
    "found_by_size": FoundBySizeOptions,
    "found_subvolumes": FoundSubvolumesOptions,
    "missed_subvolumes": MissedSubvolumesOptions,
    "false_subvolumes": FalseSubvolumesOptions,
    "roc_auc": RocAucOptions,
    "pr_auc": PrAucOptions,
    "average_precision": AveragePrecisionOptions,
    "maximal_dice": MaximalDiceOptions,
}

__all__ = ["METRICS", "About", "MetricOptions", "describe_empty", "describe_matching"]
