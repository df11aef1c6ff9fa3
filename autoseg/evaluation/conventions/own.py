"""Our own conventions."""

from __future__ import annotations

from autoseg.evaluation.conventions.convention import Convention, NamedMetric, choose_metrics
from autoseg.evaluation.metrics.surfaces.hausdorff import HausdorffOptions
from planners.choices import choose

AUTOSEG = Convention(
    name="autoseg",
    metrics=(
        *choose_metrics(("dice", "iou", "precision", "recall")),
        NamedMetric(name="hd95_mm", metric=choose("hausdorff_mm", HausdorffOptions(percentile=95.0))),
        *choose_metrics(
            (
                "lesion_f1",
                "reference_volume_ml",
                "prediction_volume_ml",
                "volume_difference_ml",
                "reference_lesions",
                "prediction_lesions",
                "lesion_count_difference",
            )
        ),
    ),
)
# For validation during a training, baselines and races, which need no more.
DICE_ONLY = Convention(name="dice", metrics=choose_metrics(["dice"]))
