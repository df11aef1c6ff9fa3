"""Figures that tables hold: for each published one, ours by the same definition as far as it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autoseg.evaluation import Convention, MetricOptions, Statistics
from experiments.benchmark.ours import OurResult
from experiments.published import PublishedRow

_MATCHINGS = {"any_overlap": "any overlap", "one_to_one": "one-to-one"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A column of figures.

    Attributes:
        column: of the published table.
        title: as tables show it.
        metric: a key of `autoseg.evaluation.METRICS`.
        options: that the metric has to have.
        scale: from our unit to the published one.
        digits: behind the point.
        of_lesions: whether it depends on what counts as a lesion.
        of_space: whether it depends on the grid: a volume or a distance.
    """

    column: str
    title: str
    metric: str
    options: Mapping[str, Any]
    scale: float = 1.0
    digits: int = 3
    of_lesions: bool = False
    of_space: bool = False


FIGURES = (
    Figure(column="dice", title="Dice", metric="dice", options={}),
    Figure(column="lesion_f1", title="Lesion F1", metric="lesion_f1", options={}, of_lesions=True),
    Figure(
        column="lesion_count_diff",
        title="Lesion count difference",
        metric="lesion_count_difference",
        options={},
        digits=2,
        of_lesions=True,
    ),
    Figure(
        column="volume_diff_mm3",
        title="Volume difference, mm3",
        metric="volume_difference_ml",
        options={},
        scale=1000.0,
        digits=0,
        of_space=True,
    ),
    Figure(
        column="hd95_mm",
        title="HD95, mm",
        metric="hausdorff_mm",
        options={"percentile": 95.0},
        digits=1,
        of_space=True,
    ),
    Figure(column="precision", title="Precision", metric="precision", options={}),
    Figure(column="recall", title="Recall", metric="recall", options={}),
)
DICE = FIGURES[0]


def find_ours(result: OurResult, figure: Figure) -> Statistics | None:
    """Return the distribution of our scores by a figure's metric; None where it was not measured."""
    name = _find_name(result.evaluation.convention, figure)
    return None if name is None else result.label.statistics(name)


def show_ours(result: OurResult, figure: Figure) -> str:
    """Return our mean in the published unit; `-` where it was not measured."""
    found = find_ours(result, figure)
    return show_number(None if found is None or found.mean is None else found.mean * figure.scale, figure)


def show_published(row: PublishedRow, figure: Figure) -> str:
    """Return a published mean; `-` where it was not published."""
    return show_number(getattr(row, figure.column), figure)


def show_number(value: float | None, figure: Figure) -> str:
    """Return a figure with as many digits as all of its column."""
    return "-" if value is None else f"{value:.{figure.digits}f}"


def describe_lesions(result: OurResult) -> str:
    """Return by which rule our lesions are found, in the words of `PublishedRow.lesion_rule`; empty without F1."""
    convention = result.evaluation.convention
    name = _find_name(convention, FIGURES[1])
    if name is None:
        return ""
    options: Any = convention.build()[name]
    matching = _MATCHINGS.get(options.matching, str(options.matching).replace("_", " "))
    least = getattr(options, "least_iou", None)
    return f"{matching}{f' at IoU {least:g}' if least else ''}, {options.connectivity}-connectivity"


def _find_name(convention: Convention, figure: Figure) -> str | None:
    """Return the first of the convention's scores by the figure's metric with its options."""
    built = convention.build()
    for entry in convention.metrics:
        if entry.metric.name == figure.metric and _has(built[entry.name], figure.options):
            return entry.name
    return None


def _has(metric: MetricOptions, options: Mapping[str, Any]) -> bool:
    return all(getattr(metric, name, None) == value for name, value in options.items())
