"""Evaluation of segmentations: voxels, surfaces and lesions, per case and over cases, by named conventions.

Metrics are entries of `METRICS`; a `Convention` is a set of them with its own names and options.
"""

from autoseg.evaluation.cases import (
    CaseScores,
    LabelScores,
    Score,
    Segment,
    Targets,
    label_targets,
    parse_region,
    scheme_targets,
    score_case,
    score_pair,
)
from autoseg.evaluation.conventions import (
    CONVENTIONS,
    DEFAULT_CONVENTION,
    DICE_ONLY,
    Convention,
    NamedMetric,
    add_figures,
    add_metrics,
    choose_convention,
    choose_metrics,
    name_metric,
)
from autoseg.evaluation.files import evaluate_files, evaluate_pairs
from autoseg.evaluation.mask_pair import MaskPair, pair_masks, pair_soft_masks
from autoseg.evaluation.metrics import METRICS, About, MetricOptions
from autoseg.evaluation.pairing import FilePair, Pairing, pair_files
from autoseg.evaluation.pooled import POOLED
from autoseg.evaluation.pooled.pooling import PooledFigure
from autoseg.evaluation.probability_maps import MapSource, ProbabilityMaps, find_maps
from autoseg.evaluation.records import holds_evaluation, read_evaluation, write_evaluation
from autoseg.evaluation.results import (
    Evaluation,
    LabelSummary,
    MetricSummary,
    SeenCases,
    Unpaired,
    refuse_failures,
    summarise,
)
from autoseg.evaluation.statistics import Statistics, bootstrap_interval, measure_statistics

__all__ = [
    "CONVENTIONS",
    "DEFAULT_CONVENTION",
    "DICE_ONLY",
    "METRICS",
    "POOLED",
    "About",
    "CaseScores",
    "Convention",
    "Evaluation",
    "FilePair",
    "LabelScores",
    "LabelSummary",
    "MapSource",
    "MaskPair",
    "MetricOptions",
    "MetricSummary",
    "NamedMetric",
    "Pairing",
    "PooledFigure",
    "ProbabilityMaps",
    "Score",
    "SeenCases",
    "Segment",
    "Statistics",
    "Targets",
    "Unpaired",
    "add_figures",
    "add_metrics",
    "bootstrap_interval",
    "choose_convention",
    "choose_metrics",
    "evaluate_files",
    "evaluate_pairs",
    "find_maps",
    "holds_evaluation",
    "label_targets",
    "measure_statistics",
    "name_metric",
    "pair_files",
    "pair_masks",
    "pair_soft_masks",
    "parse_region",
    "read_evaluation",
    "refuse_failures",
    "scheme_targets",
    "score_case",
    "score_pair",
    "summarise",
    "write_evaluation",
]
