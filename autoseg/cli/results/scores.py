"""The figures of an evaluation as a table, with what they leave out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from autoseg.cli.terminal.consoles import console
from autoseg.cli.terminal.tables import show_table
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:
    from autoseg.evaluation import Evaluation
    from autoseg.evaluation.pooled.pooling import PooledFigure
    from autoseg.evaluation.results import MetricSummary

COLUMNS = ("label", "metric", "mean", "median", "95 % interval", "cases", "missed")
# The convention that tables do not name.
USUAL = "autoseg"
# Why cases have no score, of all that can be counted beside the mean.
_REASONS = {
    "missed": "missed: the prediction does not hold the label at all",
    "invented": "only predicted: the reference does not hold the label",
    "absent": "without the label in either mask",
}


def show_scores(title: str, evaluation: Evaluation, names: Mapping[int | str, str] | None = None) -> None:
    """Show the figures of an evaluation, a line per label and metric.

    Args:
        title: of the table.
        evaluation: its figures.
        names: of labels, by their values; else those of the evaluation.
    """
    named = {
        label.label: (names or {}).get(label.label, evaluation.name_of(label.label)) for label in evaluation.summary
    }
    titles = evaluation.convention.column_titles()
    abouts = evaluation.convention.describe()
    shown = [
        (named[label.label], titles[metric.name], metric)
        for label in evaluation.summary
        for metric in label.metrics
        if metric.name in titles
        and (metric.statistics.mean is not None or (metric.missed and not abouts[metric.name].needs_probabilities))
    ]
    rows = [*((label, metric, *_show(summary)) for label, metric, summary in shown), *_pooled_rows(evaluation, named)]
    missed, seen = any(row[-1] for row in rows), evaluation.seen.brief()
    base = evaluation.convention.name.partition(" ")[0]
    whose = "" if base == USUAL else f", scored by {base}"
    title = mark_title(f"{title}{whose} ({seen})" if seen else f"{title}{whose}", evaluation.simulated)
    show_table(title, COLUMNS if missed else COLUMNS[:-1], rows if missed else [row[:-1] for row in rows])
    remarks = (*_remark_on_cases(shown), *_remark_on_probabilities(evaluation))
    for line in (*remarks, *_remark_on_intervals(evaluation), _show_mean(evaluation)):
        console.print(line, soft_wrap=True)


def _show(metric: MetricSummary) -> tuple[str, str, str, str, str]:
    values = metric.statistics
    numbers = tuple("-" if value is None else f"{value:.3f}" for value in (values.mean, values.median))
    interval = f"{values.ci95[0]:.3f} to {values.ci95[1]:.3f}" if values.ci95 else "-"
    return (numbers[0], numbers[1], interval, str(values.n), str(metric.missed or ""))


def _pooled_rows(evaluation: Evaluation, named: Mapping[int | str, str]) -> list[tuple[str, ...]]:
    """Return a row for each figure of all cases together, which has no median."""
    titles = evaluation.convention.pooled_titles()
    return [
        (named[label.label], titles[figure.name], *_show_figure(figure), str(figure.n), "")
        for label in evaluation.summary
        for figure in label.pooled
    ]


def _show_figure(figure: PooledFigure) -> tuple[str, str, str]:
    value = "-" if figure.value is None else f"{figure.value:.3f}"
    return value, "-", f"{figure.ci95[0]:.3f} to {figure.ci95[1]:.3f}" if figure.ci95 else "-"


def _remark_on_probabilities(evaluation: Evaluation) -> Iterator[str]:
    """Yield which metrics have no score because no probabilities were given."""
    abouts = evaluation.convention.describe()
    without = [
        abouts[metric.name].title
        for label in evaluation.summary[:1]
        for metric in label.metrics
        if abouts[metric.name].needs_probabilities and not metric.statistics.n
    ]
    if without:
        yield f"No {', '.join(without)}: --probability-maps FOLDER gives the maps of predict --probabilities."


def _remark_on_cases(shown: list[tuple[str, str, MetricSummary]]) -> Iterator[str]:
    """Yield why cases are in none of a metric's figures: a mean over the others looks the better for it."""
    for label, title, metric in shown:
        counts = ((getattr(metric, key), words) for key, words in _REASONS.items())
        reasons = [f"{counted(count, 'case')} {words}" for count, words in counts if count]
        if reasons:
            better = " Its mean is of the others only, and looks better than all cases are." if metric.missed else ""
            better = better if metric.statistics.n else " No other case is left."
            yield f"Not in {title.partition(',')[0]} of {label}: {'; '.join(reasons)}.{better}"


def _remark_on_intervals(evaluation: Evaluation) -> Iterator[str]:
    """Yield why there is no interval, where there is none of the Dice."""
    from autoseg.evaluation.statistics import LEAST_CASES

    if 0 < len(evaluation.cases) < LEAST_CASES:
        yield f"No 95 % interval: it needs {LEAST_CASES} cases, and {_are(len(evaluation.cases))} here."


def _show_mean(evaluation: Evaluation) -> str:
    over = " over labels" if len(evaluation.summary) > 1 else ""
    counts = {label.statistics("dice").n for label in evaluation.summary}
    scored = counts.pop() if len(counts) == 1 else len(evaluation.cases)
    if not scored:
        return f"No mean Dice{over}: no case has one."
    seen = f". {evaluation.seen.describe()}" if evaluation.seen.brief() else ""
    cases = counted(scored, *(("simulated case",) if evaluation.simulated else ("case",)))
    left = "" if scored == len(evaluation.cases) else f" of {len(evaluation.cases)}, those that have one"
    return f"Mean Dice{over}: {evaluation.foreground_mean_dice:.4f}, of {cases}{left}{seen}"


def _are(number: int) -> str:
    return f"{number} {'is' if number == 1 else 'are'}"
