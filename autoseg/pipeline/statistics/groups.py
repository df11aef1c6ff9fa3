"""Tables of scores by group: for a terminal, and as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from autoseg.evaluation import Evaluation
from autoseg.evaluation.analysis.groups import QUARTILE, SIZE, Group, GroupTable, group_scores
from autoseg.evaluation.results import MetricSummary
from autoseg.pipeline.scores.case_tables import show_figure
from autoseg.pipeline.scores.score_tables import mark_rows
from autoseg.pipeline.statistics.outdated import remove_outdated
from autoseg.pipeline.statistics.tables import place_rows, write_rows
from dataset_fingerprints.simulated import mark_title

COLUMNS = ("by", "group", "label", "metric")
# Of those that an evaluation has, what a terminal has room for: the columns of Tomita's Table 4 first.
_SHOWN = ("dice", "hd95_mm", "lesion_f1", "recall", "precision")
_MOST_SHOWN = 4
_VOLUMES = "-volumes.png"


def make_tables(evaluation: Evaluation, by: Sequence[str]) -> tuple[GroupTable, ...]:
    """Return a table per trait and label."""
    return group_scores(evaluation, by) if by else ()


def place_groups(out: Path) -> Path:
    """Return where the table beside a file of scores lies."""
    return place_rows(out.with_name(f"{out.stem}-groups.csv"), COLUMNS)


def place_picture(out: Path) -> Path:
    """Return where the picture of volumes beside a file of scores lies."""
    from autoseg.pipeline.statistics.pictures import place_picture as place

    return place(out.with_name(f"{out.stem}{_VOLUMES}"))


def list_groups(out: Path) -> tuple[Path, ...]:
    """Return where the table and the picture beside a file of scores lie; the picture only where one may be there.

    It is drawn with a table only: without one, a picture of this name is another command's.
    """
    table = place_groups(out)
    drawn = table.is_file() and out.with_name(f"{out.stem}{_VOLUMES}").exists()
    return (table, *([place_picture(out)] if drawn else []))


def write_groups(out: Path, evaluation: Evaluation, tables: Sequence[GroupTable], *, same: bool) -> None:
    """Write all figures of the groups, a row per trait, group, label and metric; nothing without a table.

    Where cases are divided by the size of their lesions, a picture of volumes is drawn, too. One of an earlier run is
    removed where none is drawn, unless it is of the same figures.
    """
    drawn = False
    if any(table.by in (SIZE, QUARTILE) for table in tables):
        # Its library takes a second to load.
        from autoseg.pipeline.statistics.pictures import draw_sizes

        drawn = draw_sizes(place_picture(out), evaluation)
    if tables:
        if not (drawn or same):
            remove_outdated(out, list_groups(out)[1:])
        write_rows(place_groups(out), [row for table in tables for row in _as_rows(table, evaluation)])


def show_groups(
    table: GroupTable, evaluation: Evaluation, asked: Sequence[str] = ()
) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """Return the title, columns and rows of a table for a terminal: means, and below each its interval.

    Args:
        table: of one trait and label.
        evaluation: that it is of.
        asked: names of metrics that a person asked for, which come first.
    """
    titles = evaluation.convention.column_titles()
    usual = [name for name in _SHOWN if name in titles] or list(titles)
    metrics = list(dict.fromkeys((*(name for name in asked if name in titles), *usual)))[:_MOST_SHOWN]
    unit = f", {table.unit}" if table.unit else ""
    columns = (f"{table.by}{unit}", "n", *(titles[name] for name in metrics))
    rows = [
        (
            group.name.replace(" (", "\n").rstrip(")") if group.name.startswith("Q") else group.name,
            str(len(group.cases)),
            *(_show_cell(_find(group, name), len(group.cases)) for name in metrics),
        )
        for group in table.groups
    ]
    title = f"{evaluation.name_of(table.label)} by {table.by}: means and 95 % intervals"
    return mark_title(title, evaluation.simulated), columns, rows


def describe_zeros(table: GroupTable) -> str:
    """Return in a sentence how many cases of which groups have a Dice of 0; empty where none has."""
    found = [f"{group.zeros} of {len(group.cases)} in {group.name}" for group in table.groups if group.zeros]
    return f"Dice is 0: {', '.join(found)}." if found else ""


def _show_cell(summary: MetricSummary, cases: int) -> str:
    figures = summary.statistics
    if figures.mean is None:
        return "-"
    mean, few = f"{figures.mean:.3f}", f" (n {figures.n})" if figures.n < cases else ""
    return mean + few + (f"\n{figures.ci95[0]:.2f} to {figures.ci95[1]:.2f}" if figures.ci95 else "")


def _find(group: Group, metric: str) -> MetricSummary:
    return next(one for one in group.summary.metrics if one.name == metric)


def _as_rows(table: GroupTable, evaluation: Evaluation) -> Iterator[Mapping[str, str]]:
    label, named = evaluation.name_of(table.label), evaluation.convention.column_titles()
    for group in table.groups:
        for metric in group.summary.metrics:
            if metric.name not in named:
                continue
            figures = metric.statistics
            low, high = figures.ci95 or (None, None)
            shown = {"mean": figures.mean, "low": low, "high": high, "SD": figures.sd, "median": figures.median}
            yield (
                dict(zip(COLUMNS, (table.by, group.name, label, metric.name), strict=True))
                | {"cases": str(len(group.cases)), "scored": str(figures.n), "missed": str(metric.missed)}
                | {name: show_figure(value, 6) for name, value in shown.items()}
                | {"Dice 0": str(group.zeros) if metric.name == "dice" and group.zeros is not None else ""}
                | mark_rows(evaluation)
            )
