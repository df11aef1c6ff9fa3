"""Conventions of challenges, papers and programs, so that a figure can stand beside theirs.

Volumes are in all of them, beside the figures that the source defines: tables by lesion size need them.
"""

from __future__ import annotations

from autoseg.evaluation.conventions.convention import Convention, add_figures, choose_metrics, name_metric

_VOLUMES = choose_metrics(("reference_volume_ml", "prediction_volume_ml"))
# Lesions of the ISLES challenges.
_CORNERS = 26
_FACES = 6

ATLAS_R2 = Convention(
    name="atlas-r2",
    metrics=(
        name_metric("dice", "soft_dice"),
        name_metric("volume_difference_voxels", "volume_difference_voxels"),
        name_metric("lesion_count_difference", "lesion_count_difference", connectivity=_FACES),
        name_metric("lesion_f1", "lesion_f1", connectivity=_FACES, matching="any_overlap"),
        *_VOLUMES,
    ),
    soft=True,
    about="ATLAS R2.0 challenge, npnl/atlas2_grand_challenge@55b9524 (isles/scoring.py, settings.py): voxels are those "
    "of the MNI grid, 1 mm3 each, so score masks in that space",
)

ISLES22 = Convention(
    name="isles22",
    metrics=(
        *choose_metrics(("dice", "volume_difference_ml")),
        name_metric("lesion_count_difference", "lesion_count_difference", connectivity=_CORNERS),
        name_metric("lesion_f1", "lesion_f1", connectivity=_CORNERS, matching="any_overlap"),
        *_VOLUMES,
    ),
    about="ISLES'22, ezequieldlrosa/isles22@31b7c8c (utils/eval_utils.py)",
)

_ISLES26 = (
    *choose_metrics(("volume_difference_ml",)),
    name_metric("lesion_count_difference", "lesion_count_difference", connectivity=_CORNERS),
    name_metric("lesion_f1", "lesion_f1", connectivity=_CORNERS, matching="iou_0.25"),
    *choose_metrics(("pr_auc",)),
    *_VOLUMES,
)
ISLES26 = Convention(
    name="isles26",
    metrics=(*choose_metrics(("dice",)), *_ISLES26),
    about="ISLES'26 (T1w) with panoptica 1.1.8 or newer, 2.1.7 included: the Dice is the usual one",
)
ISLES26_OFFICIAL = Convention(
    name="isles26-official",
    metrics=(
        name_metric("dice", "dice_if_matched", connectivity=_CORNERS, matching="iou_0.25"),
        *_ISLES26,
    ),
    about="ISLES'26 (T1w) as its scorer is pinned (ezequieldlrosa/isles26@91965d0, panoptica 1.0.1): Dice is 0 where "
    "no pair of lesions reaches an IoU of 0.25",
)

TOMITA2020 = add_figures(
    Convention(
        name="tomita2020",
        metrics=(
            name_metric("dice", "dice", both_empty=None),
            name_metric("maximal_dice", "maximal_dice"),
            name_metric("hd_mm", "hausdorff_elements_mm", percentile=100.0),
            name_metric("assd_mm", "masd_mm", surface="elements"),
            name_metric("recall", "recall", both_empty=0.0),
            name_metric("precision", "precision", both_empty=0.0),
            *_VOLUMES,
        ),
        about="Tomita 2020: Dice, HD and ASSD by deepmind's surface-distance, recall and precision by scikit-learn. "
        "The paper does not say how the two directed mean distances become one ASSD (here: their mean) nor which "
        "thresholds the maximal Dice is taken over (here: all)",
    ),
    (name_metric("micro_dice", "micro_dice"),),
)

NNUNET = Convention(
    name="nnunet",
    metrics=(
        name_metric("dice", "dice", both_empty=None),
        name_metric("iou", "iou", both_empty=None),
        *choose_metrics(("true_positives", "false_positives", "false_negatives", "true_negatives")),
        *_VOLUMES,
    ),
    about="nnU-Net v2 (evaluate_predictions.py): where both masks are empty there is no score, and means leave it out",
)
LLAMBIAS2024 = Convention(
    name="llambias2024",
    metrics=(
        *choose_metrics(("dice", "volume_similarity")),
        name_metric("lesion_precision", "lesion_precision", connectivity=_FACES, matching="any_overlap"),
        name_metric("lesion_recall", "lesion_recall", connectivity=_FACES, matching="any_overlap"),
        name_metric("lesion_f1", "lesion_f1", connectivity=_FACES, matching="any_overlap"),
        *_VOLUMES,
    ),
    about="Llambias 2024 (Heterogeneous Learning for Brain Lesion Segmentation): lesions are connected by faces, and "
    "found by any overlap. The paper does not say how empty masks score (here: 1 where both are empty, 0 where one "
    "is). `evaluate --levels` has its three levels",
)
PUBLISHED = (ATLAS_R2, ISLES22, ISLES26, ISLES26_OFFICIAL, TOMITA2020, NNUNET, LLAMBIAS2024)
