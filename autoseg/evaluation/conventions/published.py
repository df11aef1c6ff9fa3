"""Conventions of challenges, papers and programs, so that a figure can stand beside theirs.

Volumes are in all of them, beside the figures that the source defines: tables by lesion size need them.
"""

from __future__ import annotations

from autoseg.evaluation.conventions.convention import Convention, choose_metrics, name_metric

_VOLUMES = choose_metrics(("reference_volume_ml", "prediction_volume_ml"))

# ezequieldlrosa/isles22@31b7c8c: utils/eval_utils.py.
ISLES22 = Convention(
    name="isles22",
    metrics=(
        *choose_metrics(("dice", "volume_difference_ml")),
        name_metric("lesion_count_difference", "lesion_count_difference", connectivity=26),
        name_metric("lesion_f1", "lesion_f1", connectivity=26, matching="any_overlap"),
        *_VOLUMES,
    ),
)
