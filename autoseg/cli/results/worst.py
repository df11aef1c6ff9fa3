"""The cases with the lowest Dice, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autoseg.cli.terminal.tables import show_table
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:
    from autoseg.evaluation import CaseScores, Evaluation

# Cases in the table; of a few more, all.
_WORST, _ALL = 5, 8
# Of a single label: metric, title, digits.
_FIGURES = (
    ("dice", "Dice", 3),
    ("hd95_mm", "HD95, mm", 1),
    ("reference_volume_ml", "ml", 2),
    ("prediction_volume_ml", "predicted ml", 2),
)
# Labels that have a column of their own.
_LABELS = 3


def show_worst(evaluation: Evaluation) -> None:
    """Show the cases with the lowest mean Dice, or all of a few."""
    from autoseg.pipeline.scores.score_tables import order_by_dice

    ordered = order_by_dice(evaluation.cases)
    if len(ordered) < 2:
        return
    shown = ordered if len(ordered) <= _ALL else ordered[:_WORST]
    total = counted(len(ordered), "case")
    title = f"{total}, from worst to best" if len(shown) == len(ordered) else f"The worst {len(shown)} of {total}"
    title = mark_title(title, evaluation.simulated)
    single = len(evaluation.summary) == 1
    if single:
        known = {entry.name for entry in evaluation.convention.metrics}
        figures = [figure for figure in _FIGURES if figure[0] in known]
        columns = tuple(title for _, title, _ in figures)
        rows = [tuple(_show(case.labels[0].value(name), digits) for name, _, digits in figures) for case in shown]
    else:
        columns, rows = _head(evaluation), [_several(case) for case in shown]
    show_table(title, ("case", *columns), [(case.case, *row) for case, row in zip(shown, rows, strict=True)])


def _head(evaluation: Evaluation) -> tuple[str, ...]:
    names = [evaluation.name_of(label.label) for label in evaluation.summary[:_LABELS]]
    return ("mean Dice", *(f"Dice of {name}" for name in names))


def _several(case: CaseScores) -> tuple[str, ...]:
    from autoseg.pipeline.scores.score_tables import mean_dice

    return (_show(mean_dice(case), 3), *(_show(label.value("dice"), 3) for label in case.labels[:_LABELS]))


def _show(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
