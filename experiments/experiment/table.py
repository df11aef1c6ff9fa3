"""The table of a comparison of recipes, in Markdown and CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation import Evaluation
from autoseg.evaluation.analysis.systems import Difference, SystemComparison, compare_systems
from autoseg.pipeline.statistics.tables import as_markdown, place_markdown, place_rows, write_markdown, write_rows
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title
from experiments.experiment.showing import LONGER, Table
from planners.defaults import is_full_size

STEM = "recipes"
METRICS = ("dice", "lesion_f1")
COLUMNS = ("recipe", "scale", "steps", "minutes", "Dice", "95 %", "lesion F1", "Dice diff.", "F1 diff.")
# Those that a terminal has room for.
BRIEF = ("recipe", "scale", "steps", "minutes", "Dice", "95 %", "lesion F1", "Dice diff.")
_FIRST_OF_CSV = ("recipe", "scale")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A recipe that was trained and scored.

    Attributes:
        name: of its plan: the recipe's, with the seed where that is another one.
        scale: of its plan.
        steps: of all trainings of its folds.
        minutes: that these took, without the validation at the end.
        cheaper: how validation cases were predicted where time was too short for the planned way, in words.
        other_time: whether a training was made before for another time, and taken as it is.
    """

    name: str
    scale: float
    steps: int
    minutes: float
    evaluation: Evaluation
    cheaper: tuple[str, ...] = ()
    other_time: bool = False


def refuse_other_labels(first: Scored, other: Scored) -> None:
    """Make sure that a label is the same for two recipes: one that learns several labels as one keeps a value of them.

    Raises:
        DataError: it is not, so that scores under one value would be of different references; or there is none in both.
    """
    names, others = (
        {label.label: one.evaluation.name_of(label.label) for label in one.evaluation.summary} for one in (first, other)
    )
    shared = names.keys() & others.keys()
    if not shared:
        raise DataError(
            f"{other.name}: has none of the labels of {first.name} ({', '.join(names.values())}). Compare recipes that "
            "learn the same labels."
        )
    for label in shared:
        if names[label] != others[label]:
            raise DataError(
                f"{other.name}: its label {label} is {others[label]}, and that of {first.name} is {names[label]}: "
                "their scores are not of the same reference. Compare recipes that learn the same labels."
            )


def make_table(scored: Sequence[Scored], minutes: float, folds: Sequence[str]) -> Table:
    """Return a row per recipe and label; the first is what the others are compared with.

    Args:
        scored: two recipes or more, on the same cases.
        minutes: that each fold of each could take.
        folds: whose cases were scored.
    """
    comparison = compare_systems({one.name: one.evaluation for one in scored}, metrics=METRICS)
    several = len(comparison.names) > 1
    rows = tuple(
        _make_row(one, label, comparison, f" ({comparison.names[label]})" if several else "")
        for one in scored
        for label in comparison.names
    )
    title = f"{counted(len(scored), 'training')} of recipes, {counted(len(folds), 'fold')} ({', '.join(folds)})"
    return Table(
        title=mark_title(title, comparison.simulated),
        columns=COLUMNS,
        rows=rows,
        remarks=tuple(_remark(scored, comparison, minutes, len(folds))),
    )


def _make_row(one: Scored, label: int | str, comparison: SystemComparison, suffix: str) -> tuple[str, ...]:
    first = comparison.systems[0]
    own = (one.name, label)
    means = {mean.metric: mean.statistics for mean in comparison.means if (mean.system, mean.label) == own}
    changes = {
        change.metric: change
        for change in comparison.differences
        if (change.first, change.second, change.label) == (first, one.name, label)
    }
    dice, f1 = means["dice"], means["lesion_f1"]
    return (
        one.name + suffix,
        "1" if is_full_size(one.scale) else f"1/{one.scale:g}",
        f"{one.steps:,}",
        f"{one.minutes:.1f}",
        _show(dice.mean),
        "-" if dice.ci95 is None else f"{dice.ci95[0]:.3f} to {dice.ci95[1]:.3f}",
        _show(f1.mean),
        *(_show_change(changes.get(metric)) for metric in METRICS),
    )


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _show_change(change: Difference | None) -> str:
    if change is None or change.mean is None:
        return "-"
    interval = "" if change.ci95 is None else f" ({change.ci95[0]:+.3f} to {change.ci95[1]:+.3f})"
    return f"{change.mean:+.3f}{interval}"


def _remark(scored: Sequence[Scored], comparison: SystemComparison, minutes: float, folds: int) -> Iterator[str]:
    first = comparison.systems[0]
    others = [one for one in scored if one.other_time]
    unless = ", unless it was trained before" if others else ""
    yield (
        f"Each fold of each recipe was given {minutes:g} min, with all trainings that it needs{unless}. "
        f"{counted(len(comparison.cases), 'case')} of {counted(comparison.subjects, 'subject')}, which none trained "
        "on. Minutes are without the validation at the end."
    )
    if others:
        yield (
            f"NOT THE SAME TIME: trained before for another time, and taken as they are: {_show_minutes(others)} min. "
            "To give all the same, name it with --minutes, at least the longest of them."
        )
    longer = [one for one in scored if not one.other_time and one.minutes > LONGER * minutes * folds]
    if longer:
        yield (
            f"NOT THE SAME TIME: of {minutes * folds:g} minutes, there were taken by {_show_minutes(longer)}. Compare "
            "with more --minutes, on a machine that does nothing else."
        )
    cheaper = [f"{one.name} ({'; '.join(one.cheaper)})" for one in scored if one.cheaper]
    if cheaper:
        yield (
            f"NOT PREDICTED AS PLANNED, for lack of time: {', '.join(cheaper)}. Their differences, between seeds too, "
            "are also those of fewer flips and less overlap."
        )
    intervals = any(mean.statistics.ci95 is not None for mean in comparison.means)
    how = f"95 % bootstrap intervals ({comparison.interval}) over subjects" if intervals else "too few for intervals"
    yield f"Differences: minus {first}, case by case; {how}."
    seeds = [one.name for one in scored if one.name.startswith(f"{first}-seed-")]
    if seeds:
        yield f"Noise: {', '.join(seeds)} differs from {first} in nothing but the seed of weights and batches."
    else:
        yield f"Noise was not measured: --seeds 2 trains {first} once more with another seed."
    if not all(is_full_size(one.scale) for one in scored):
        yield (
            "A deviation: features, patches and batches are divided by the scale (--scale). The figures say nothing "
            "of the recipes at full size."
        )
    if comparison.simulated:
        yield "SIMULATED: no figure is of a patient."
    yield from comparison.remarks


def _show_minutes(scored: Sequence[Scored]) -> str:
    return ", ".join(f"{one.name} {one.minutes:.1f}" for one in scored)


def place_tables(folder: Path) -> tuple[Path, Path]:
    """Return where the tables are written in a folder; nobody else's file is replaced by them."""
    path = folder / f"{STEM}.csv"
    return place_markdown(path), place_rows(path, _FIRST_OF_CSV)


def write_tables(places: tuple[Path, Path], table: Table, scored: Sequence[Scored]) -> tuple[Path, Path]:
    """Write a table as Markdown and CSV, and return the paths."""
    markdown, rows = places
    listed = "".join(f"- {remark}\n" for remark in table.remarks)
    shown = as_markdown(table.columns, table.rows)
    write_markdown(markdown, "experiment compare", f"# {table.title}\n\n{shown}\n{listed}")
    simulated = {"simulated": "yes"} if any(one.evaluation.simulated for one in scored) else {}
    cells: list[Mapping[str, str]] = [dict(zip(table.columns, row, strict=True)) | simulated for row in table.rows]
    write_rows(rows, cells)
    return markdown, rows
