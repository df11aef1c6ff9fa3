"""Figures that tables hold: for each published one, ours by the same definition as far as it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autoseg.evaluation import Convention, MetricOptions, NamedMetric, Statistics
from experiments.benchmark.ours import OurResult
from experiments.published import PublishedRow

_MATCHINGS = {
    "any_overlap": "any overlap",
    "iou_0.25": "one-to-one at IoU 0.25",
    "iou_0.5": "one-to-one at IoU 0.5",
}
# Rules by which a scan's Dice is made, in the words of `PublishedRow.dice_rule`.
PLAIN = "plain"
_DICE_RULES = {"dice_if_matched": "0 where no pair of lesions reaches the IoU of a match"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A column of figures.

    Attributes:
        column: of the published table.
        title: as tables show it.
        metrics: keys of `autoseg.evaluation.METRICS` that measure it, each with the factor to the published unit.
        options: that the metric has to have.
        digits: behind the point.
    """

    column: str
    title: str
    metrics: Mapping[str, float]
    options: Mapping[str, Any] = field(default_factory=dict)
    digits: int = 3


FIGURES = (
    Figure(column="dice", title="Dice", metrics={"dice": 1.0, "soft_dice": 1.0, "dice_if_matched": 1.0}),
    Figure(column="lesion_f1", title="Lesion F1", metrics={"lesion_f1": 1.0}),
    Figure(
        column="lesion_count_diff",
        title="Lesion count difference",
        metrics={"lesion_count_difference": 1.0},
        digits=2,
    ),
    Figure(
        column="volume_diff_mm3",
        title="Volume difference, mm3",
        # Voxels are counted by ATLAS R2.0's rules, in a space where each has 1 mm3.
        metrics={"volume_difference_ml": 1000.0, "volume_difference_voxels": 1.0},
        digits=0,
    ),
    Figure(column="hd95_mm", title="HD95, mm", metrics={"hausdorff_mm": 1.0}, options={"percentile": 95.0}, digits=1),
    Figure(column="precision", title="Precision", metrics={"precision": 1.0}),
    Figure(column="recall", title="Recall", metrics={"recall": 1.0}),
)
DICE = FIGURES[0]


def find_ours(result: OurResult, figure: Figure) -> Statistics | None:
    """Return the distribution of our scores by a figure's metric, in our unit; None where it was not measured."""
    entry = _find_entry(result.evaluation.convention, figure)
    return None if entry is None else result.label.statistics(entry.name)


def find_mean(result: OurResult, figure: Figure) -> float | None:
    """Return our mean in the published unit; None where it was not measured."""
    entry = _find_entry(result.evaluation.convention, figure)
    mean = None if entry is None else result.label.statistics(entry.name).mean
    return None if entry is None or mean is None else mean * figure.metrics[entry.metric.name]


def show_ours(result: OurResult, figure: Figure) -> str:
    """Return our mean in the published unit; `-` where it was not measured."""
    return show_number(find_mean(result, figure), figure)


def show_published(row: PublishedRow, figure: Figure) -> str:
    """Return a published mean; `-` where it was not published."""
    return show_number(getattr(row, figure.column), figure)


def show_number(value: float | None, figure: Figure) -> str:
    """Return a figure with as many digits as all of its column."""
    return "-" if value is None else f"{value:.{figure.digits}f}"


def describe_dice(result: OurResult) -> str:
    """Return by which rule our Dice is, in the words of `PublishedRow.dice_rule`."""
    entry = _find_entry(result.evaluation.convention, DICE)
    return PLAIN if entry is None else _DICE_RULES.get(entry.metric.name, PLAIN)


def describe_lesions(result: OurResult) -> str:
    """Return by which rule our lesions are found, in the words of `PublishedRow.lesion_rule`; empty without F1."""
    convention = result.evaluation.convention
    entry = _find_entry(convention, FIGURES[1])
    if entry is None:
        return ""
    options: Any = convention.build()[entry.name]
    return f"{_MATCHINGS.get(options.matching, options.matching)}, {options.connectivity}-connectivity"


def _find_entry(convention: Convention, figure: Figure) -> NamedMetric | None:
    """Return the first of the convention's scores by one of the figure's metrics, with its options."""
    built = convention.build()
    for entry in convention.metrics:
        if entry.metric.name in figure.metrics and _has(built[entry.name], figure.options):
            return entry
    return None


def _has(metric: MetricOptions, options: Mapping[str, Any]) -> bool:
    return all(getattr(metric, name, None) == value for name, value in options.items())
