"""Scores per case: a table for a spreadsheet, and what is odd about a case."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from autoseg.evaluation import CaseScores, Convention, Evaluation, LabelScores
from autoseg.pipeline.scores.case_tables import (
    CASE,
    SIMULATED,
    WARNINGS,
    Table,
    choose_name,
    join_warnings,
    read_table,
    show_figure,
)
from autoseg.pipeline.scores.showing import show_ml
from dataset_fingerprints.files.places import is_same

MEAN = "mean Dice"
# The columns of each label, by the metric that they show.
COLUMNS = {
    "dice": "Dice",
    "hd95_mm": "HD95 mm",
    "lesion_f1": "lesion F1",
    "reference_volume_ml": "reference ml",
    "prediction_volume_ml": "predicted ml",
    "reference_lesions": "lesions in reference",
    "prediction_lesions": "lesions predicted",
}
Name = Callable[[int | str], str]


def choose_columns(convention: Convention) -> Mapping[str, str]:
    """Return the columns of each label: the usual ones, and those of all other metrics of a convention."""
    titles = {name: title.replace(", ", " ") for name, title in convention.column_titles(with_plain=True).items()}
    known = {entry.name for entry in convention.metrics}
    return {name: title for name, title in COLUMNS.items() if name in known} | {
        name: title for name, title in titles.items() if name not in COLUMNS
    }


def make_score_table(evaluation: Evaluation) -> Table:
    """Return a row per case of an evaluation; those that could not be scored say why in their warnings."""
    columns = choose_columns(evaluation.convention)
    several = len(evaluation.summary) > 1
    names = [evaluation.name_of(label.label) for label in evaluation.summary]
    figures = name_figures(names, columns)
    marks = mark_rows(evaluation)
    rows: list[Mapping[str, str]] = []
    for case in evaluation.cases:
        mean = {MEAN: show_figure(mean_dice(case))} if several else {}
        warnings = {WARNINGS: join_warnings(find_odd_scores(case, evaluation.name_of))}
        rows.append({CASE: case.case} | marks | mean | fill_figures(case, figures, columns) | warnings)
    unscored = [(failure.case, failure.message) for failure in evaluation.failures]
    unscored += [(case, "not scored: no mask.") for case in evaluation.unpaired.without_prediction]
    unscored += [(case, "not scored: no reference.") for case in evaluation.unpaired.without_reference]
    rows += [{CASE: case, WARNINGS: join_warnings([message])} | marks for case, message in unscored]
    return Table(columns=(CASE, *marks, *([MEAN] if several else ()), *figures, WARNINGS), rows=tuple(rows))


def mark_rows(evaluation: Evaluation) -> dict[str, str]:
    """Return the column that says of every case that it is simulated; none where no case is."""
    return {SIMULATED: "yes"} if evaluation.simulated else {}


def place_score_table(scores: Path, reference: Path) -> Path:
    """Return where the table beside a file of scores lies: nobody else's file is replaced by it."""
    path = scores.with_suffix(".csv")
    path = path if path != scores else scores.with_name(f"{scores.stem}-cases.csv")
    return choose_name(path, lambda there: not is_same(there, reference) and _is_own(read_table(there)))


def _is_own(table: Table | None) -> bool:
    return table is not None and any(column.endswith(f": {COLUMNS['dice']}") for column in table.columns)


def name_figures(names: Sequence[str], columns: Mapping[str, str]) -> list[str]:
    """Return the names of all labels' columns."""
    return [f"{name}: {column}" for name in names for column in columns.values()]


def fill_figures(case: CaseScores, figures: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return a case's scores by column."""
    cells = [show_figure(label.value(metric)) for label in case.labels for metric in columns]
    return dict(zip(figures, cells, strict=True))


def mean_dice(case: CaseScores) -> float | None:
    """Return the mean Dice of a case's labels or regions, as far as they have one."""
    found = [value for label in case.labels if not math.isnan(value := label.number("dice"))]
    return math.fsum(found) / len(found) if found else None


def find_odd_scores(case: CaseScores, name_of: Name) -> tuple[str, ...]:
    """Return a sentence for each label or region that was missed, or found where there is none."""
    sentences = []
    for label in case.labels:
        name, true, predicted = name_of(label.label), *volumes_of(label)
        if true and not predicted:
            sentences.append(f"{name}: {show_ml(true)} in the reference, nothing found.")
        elif predicted and not true:
            sentences.append(f"{name}: {show_ml(predicted)} found, nothing in the reference.")
        elif true and predicted and not label.number("dice"):
            sentences.append(f"{name}: marked elsewhere only: nothing of the reference is hit, Dice 0.")
    return tuple(sentences)


def volumes_of(label: LabelScores) -> tuple[float, float]:
    """Return a label's volumes in the reference and in the prediction, in ml."""
    return label.number("reference_volume_ml"), label.number("prediction_volume_ml")


def order_by_dice(cases: Iterable[CaseScores]) -> list[CaseScores]:
    """Return cases from the lowest to the highest mean Dice; those that have none come last."""
    return sorted(cases, key=lambda case: (math.inf if (dice := mean_dice(case)) is None else dice, case.case))
