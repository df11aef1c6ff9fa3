"""The part of the page about scores: the summary of the cross-validation, its charts, and every case."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from autoseg.evaluation import CaseScores, Evaluation
from autoseg.evaluation.results import MetricSummary
from autoseg.pipeline.page.gathering import Gathered
from autoseg.pipeline.scores.score_tables import find_odd_scores, order_by_dice
from autoseg.reporting.page import Chart, Charts, Paragraph, Section, Table
from autoseg.reporting.page.score_charts import Point, draw_agreement, draw_boxes, draw_scatter
from dataset_fingerprints.names import counted

# Labels that have charts of their own, and cases that are listed.
_LABELS, _CASES = 4, 1000
_COLUMNS = ("label", "metric", "mean", "95 % interval", "SD", "median", "cases", "missed")


def describe_scores(found: Gathered) -> Section:
    """Return the scores of the cases that no fold trained on."""
    evaluation = found.evaluation
    assert evaluation is not None
    folds, lacking = counted(len(found.validated()), "fold"), found.lacking()
    lead = (
        f"{counted(len(evaluation.cases), 'case')} of {folds} of {found.configuration}, each scored by the fold that "
        "did not train on it."
    )
    blocks: list[Paragraph | Table | Charts] = [Paragraph(text=text, warning=True) for text in _warn(found, lacking)]
    blocks += [_summarise(found, evaluation), Charts(charts=tuple(_draw(found, evaluation)))]
    blocks += [_compare(found)] if len(found.folds) > 1 else []
    blocks.append(_list_cases(found, evaluation))
    return Section(key="scores", title="Cross-validation", lead=lead, blocks=blocks)


def collect_points(evaluation: Evaluation, label: int | str) -> list[Point]:
    """Return the Dice and the volumes of one label or region in every case."""
    points = []
    for case in evaluation.cases:
        for scores in case.labels:
            if scores.label == label:
                true, predicted = scores.number("reference_volume_ml"), scores.number("prediction_volume_ml")
                dice = scores.number("dice")
                points.append(Point(case=case.case, volume_ml=true, predicted_ml=predicted, dice=dice))
    return points


def _warn(found: Gathered, lacking: Sequence[str]) -> Iterator[str]:
    evaluation = found.evaluation
    assert evaluation is not None
    if lacking:
        are = "fold {} is" if len(lacking) == 1 else "folds {} are"
        yield (
            f"Not the whole cross-validation: {are.format(', '.join(lacking))} not scored yet. `autoseg train all` "
            "trains what is missing."
        )
    if evaluation.seen.brief():
        yield evaluation.seen.describe()


def _summarise(found: Gathered, evaluation: Evaluation) -> Table:
    titles, showing = evaluation.convention.column_titles(), found.showing()
    shown = [
        (showing.name_of(label.label), titles[metric.name], metric)
        for label in evaluation.summary
        for metric in label.metrics
        if metric.name in titles and (metric.statistics.mean is not None or metric.missed)
    ]
    note = (
        f"Convention: {evaluation.convention.name}. Interval: {evaluation.convention.ci95}. "
        f"SD {evaluation.convention.sd}. Missed: cases in which the prediction does not hold the label at all; where a "
        "metric has no score for them, its mean is of the others only, and looks better than all cases are."
    )
    rows = [(label, title, *_show(metric)) for label, title, metric in shown]
    return Table(title="Scores", columns=_COLUMNS, rows=rows, numeric=frozenset(range(2, 8)), note=note)


def _show(metric: MetricSummary) -> tuple[str, ...]:
    values = metric.statistics
    interval = "-" if values.ci95 is None else f"{_number(values.ci95[0])} to {_number(values.ci95[1])}"
    missed = str(metric.missed) if metric.missed else ""
    return (_number(values.mean), interval, _number(values.sd), _number(values.median), str(values.n), missed)


def _number(value: float | None) -> str:
    """Return a figure with as many digits as can be read."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:,.0f}"


def _draw(found: Gathered, evaluation: Evaluation) -> Iterator[Chart]:
    several, simulated = len(evaluation.summary) > 1, found.simulated
    for position, summary in enumerate(evaluation.summary[:_LABELS]):
        points = collect_points(evaluation, summary.label)
        present = [one for one in points if one.volume_ml > 0]
        if not present:
            continue
        behind = f": {found.showing().name_of(summary.label)}" if several else ""
        absent = len(points) - len(present)
        note = f"Not drawn: {counted(absent, 'case')} without it in the reference." if absent else ""
        yield Chart(
            title=f"Dice over volume{behind}",
            svg=draw_scatter(points, position, simulated=simulated),
            alt=f"Dice of {counted(len(present), 'case')} over the volume in the reference, a point each.",
            note=note,
        )
        yield Chart(
            title=f"Dice by volume{behind}",
            svg=draw_boxes(points, position, simulated=simulated),
            alt="Boxes of the Dice by volume in the reference.",
            note="Boxes hold the middle half of the cases, the line is their median.",
        )
        empty = sum(one.predicted_ml <= 0 for one in present)
        yield Chart(
            title=f"Predicted volume over that in the reference{behind}",
            svg=draw_agreement(points, position, simulated=simulated),
            alt=f"Predicted over true volumes of {counted(len(present), 'case')}, a point each.",
            note=f"Not drawn: {counted(empty, 'case')} with an empty prediction." if empty else "",
        )


def _compare(found: Gathered) -> Table:
    """Return the mean Dice of every configuration that has scored folds."""
    rows = []
    for name, folds in found.folds.items():
        scores = [fold.evaluation for fold in folds if fold.evaluation is not None]
        cases = sum(len(one.cases) for one in scores)
        total = math.fsum(one.foreground_mean_dice * len(one.cases) for one in scores)
        rows.append((name, str(len(scores)), str(cases), _number(total / cases if cases else None)))
    columns = ("configuration", "folds", "cases", "mean Dice")
    return Table(title="Configurations", columns=columns, rows=rows, numeric=frozenset((1, 2, 3)))


def _list_cases(found: Gathered, evaluation: Evaluation) -> Table:
    folds = {case: fold.folder.name() for fold in found.validated() for case in fold.run.validation_cases}
    sites = {case.name: case.site for case in found.dataset.cases}
    located = any(sites.get(case.case) for case in evaluation.cases)
    ordered = order_by_dice(evaluation.cases)
    rows = []
    for case in ordered[:_CASES]:
        for label in case.labels:
            values = [label.value(name) for name in ("dice", "hd95_mm", "lesion_f1")]
            volumes = [label.value(name) for name in ("reference_volume_ml", "prediction_volume_ml")]
            remarks = " ".join(find_odd_scores(CaseScores(case=case.case, labels=(label,)), found.showing().name_of))
            rows.append(
                (
                    case.case,
                    folds.get(case.case, "-"),
                    *((sites.get(case.case, "") or "-",) if located else ()),
                    found.showing().name_of(label.label),
                    *(_number(value) for value in (*values, *volumes)),
                    remarks,
                )
            )
    columns = ("case", "fold", *(("site",) if located else ()), "label", "Dice", "HD95, mm", "lesion F1")
    columns += ("reference, ml", "predicted, ml", "remarks")
    first = len(columns) - 6
    note = f"The worst {_CASES} of {len(ordered)}; cases.csv has all." if len(ordered) > _CASES else ""
    title = f"All {counted(len(ordered), 'case')}, from worst to best"
    numeric = frozenset(range(first, first + 5))
    return Table(title=title, columns=columns, rows=rows, numeric=numeric, note=note, folded=True)
