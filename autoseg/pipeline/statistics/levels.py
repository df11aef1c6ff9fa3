"""The table of three levels, scan, lesion and voxel: for a terminal, and as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autoseg.evaluation import Evaluation
from autoseg.evaluation.analysis.levels import LESION_LEVEL, VOXEL_LEVEL, LevelRow, LevelTable, Spread, make_levels
from autoseg.pipeline.scores.case_tables import show_figure
from autoseg.pipeline.scores.score_tables import mark_rows
from autoseg.pipeline.statistics.tables import place_rows, write_rows
from dataset_fingerprints.simulated import mark_title

_FIRST = ("class", "scans", "right", "other class", "no prediction", "called so")
_SCAN_LEVEL = ("precision", "sensitivity", "f1")
COLUMNS = (
    "class",
    "scans",
    "no pred.",
    "scan P",
    "scan S",
    "scan F1",
    "lesion P",
    "lesion S",
    "lesion F1",
    "Dice",
    "VS",
)


def show_levels(table: LevelTable, evaluation: Evaluation) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """Return the title, columns and rows of a table for a terminal: means, and below each its deviation."""
    rows = [
        (
            evaluation.name_of(row.label),
            str(row.scans),
            str(row.empty),
            *map(_show, _list_scan_level(row)),
            *map(_show_spread, (*row.lesions, *row.voxels)),
        )
        for row in table.rows
    ]
    return mark_title("Scan, lesion and voxel level", evaluation.simulated), COLUMNS, rows


def place_levels(out: Path) -> Path:
    """Return where the table beside a file of scores lies."""
    return place_rows(out.with_name(f"{out.stem}-levels.csv"), _FIRST)


def write_levels(out: Path, evaluation: Evaluation) -> LevelTable:
    """Write all figures of the three levels beside a file of scores, a row per class, and return the table.

    Raises:
        DataError: there is a single class, or a metric is missing.
    """
    table = make_levels(evaluation)
    write_rows(place_levels(out), [_as_row(row, evaluation) for row in table.rows])
    return table


def _list_scan_level(row: LevelRow) -> tuple[float | None, ...]:
    return row.precision(), row.sensitivity(), row.f1()


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _show_spread(spread: Spread) -> str:
    return _show(spread.mean) + ("" if spread.sd is None else f"\n±{spread.sd:.2f}")


def _as_row(row: LevelRow, evaluation: Evaluation) -> Mapping[str, str]:
    counts = (row.scans, row.right, row.other, row.empty, row.called)
    cells = dict(zip(_FIRST, (evaluation.name_of(row.label), *map(str, counts)), strict=True))
    scan = zip(_SCAN_LEVEL, _list_scan_level(row), strict=True)
    cells |= {f"scan {name}": show_figure(value, 6) for name, value in scan}
    for name, spread in zip((*LESION_LEVEL, *VOXEL_LEVEL), (*row.lesions, *row.voxels), strict=True):
        cells |= {name: show_figure(spread.mean, 6), f"{name} SD": show_figure(spread.sd, 6)}
    return cells | mark_rows(evaluation)
