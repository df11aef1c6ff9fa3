"""How good a segmentation is: voxels, surfaces and lesions, per case and over cases, by named conventions."""

from autoseg.evaluation.cases import CaseScores, LabelScores, Segment, Targets, label_targets, parse_region, score_case
from autoseg.evaluation.conventions import (
    DEFAULT_CONVENTIONS,
    LENIENT_6,
    LENIENT_26,
    Conventions,
    LesionConvention,
)
from autoseg.evaluation.files import evaluate_files, pair_files
from autoseg.evaluation.metrics import Metric
from autoseg.evaluation.records import read_evaluation, write_evaluation
from autoseg.evaluation.summary import Evaluation, LabelSummary, MetricSummary, Statistics, summarise

METRICS: dict[str, Metric] = {
    "dice": Metric(title="Dice", better="higher"),
    "iou": Metric(title="IoU", better="higher"),
    "precision": Metric(title="Precision", better="higher"),
    "recall": Metric(title="Recall", better="higher"),
    "hd95_mm": Metric(title="HD95", better="lower", unit="mm"),
    "lesion_f1": Metric(title="Lesion F1", better="higher"),
    "reference_volume_ml": Metric(title="Reference volume", better="neither", unit="ml"),
    "prediction_volume_ml": Metric(title="Predicted volume", better="neither", unit="ml"),
    "volume_difference_ml": Metric(title="Volume difference", better="lower", unit="ml"),
    "reference_lesions": Metric(title="Reference lesions", better="neither"),
    "prediction_lesions": Metric(title="Predicted lesions", better="neither"),
    "lesion_count_difference": Metric(title="Lesion count difference", better="lower"),
}

__all__ = [
    "DEFAULT_CONVENTIONS",
    "LENIENT_6",
    "LENIENT_26",
    "METRICS",
    "CaseScores",
    "Conventions",
    "Evaluation",
    "LabelScores",
    "LabelSummary",
    "LesionConvention",
    "Metric",
    "MetricSummary",
    "Segment",
    "Statistics",
    "Targets",
    "evaluate_files",
    "label_targets",
    "pair_files",
    "parse_region",
    "read_evaluation",
    "score_case",
    "summarise",
    "write_evaluation",
]
