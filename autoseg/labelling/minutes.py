"""The minutes that people took, in a table: case, structure, minutes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from dataset_fingerprints.errors import DataError, did_you_mean
from dataset_fingerprints.layouts.table_text import read_table
from dataset_fingerprints.names import plain_name

COLUMNS = ("case", "structure", "minutes")
_NAMES = {
    "case": ("case", "scan", "name", "id", "subject"),
    "structure": ("structure", "label", "segment", "organ"),
    "minutes": ("minutes", "min", "time", "duration"),
}
_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d)")
# A week.
_MOST = 60 * 24 * 7.0

Minutes = dict[str, dict[str, float]]


def read_minutes(path: Path, structures: Sequence[str]) -> Minutes:
    """Return the minutes of a table by case and label; lines without minutes are left out.

    Args:
        path: of a CSV or TSV with a line per case and label; 12.5 is a number of minutes, 12:30 are 12 and a half.
        structures: names of the labels. A single one may be left out, column and all.

    Raises:
        DataError: a column or a case is missing, a label is unknown, minutes are not a number, or a label of a case is
            there twice.
    """
    if not _has_lines(path):
        return {}
    table = read_table(path)
    columns = _find_columns(path, table.columns, structures)
    found: Minutes = {}
    for line in table.lines:
        text = line.cells[columns["minutes"]]
        if not text:
            continue
        where = f"{path}: line {line.number}"
        case = line.cells[columns["case"]]
        if not case:
            raise DataError(f"{where}: names no case. Fill it in, or take the line out.")
        structure = _choose_structure(
            where, line.cells[columns["structure"]] if "structure" in columns else "", structures
        )
        own = found.setdefault(case, {})
        if structure in own:
            raise DataError(f"{where}: {structure} of {case} is there twice. Add both lines up to one.")
        own[structure] = _read_number(where, text)
    return found


def _has_lines(path: Path) -> bool:
    """Return whether there is more than the line of column names."""
    try:
        return len([line for line in path.read_bytes().splitlines() if line.strip()]) > 1
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error


def _find_columns(path: Path, columns: Sequence[str], structures: Sequence[str]) -> dict[str, str]:
    plain = {plain_name(column): column for column in columns}
    found = {meaning: next((plain[name] for name in names if name in plain), "") for meaning, names in _NAMES.items()}
    found = {meaning: column for meaning, column in found.items() if column}
    missing = [name for name in COLUMNS if name not in found and not (name == "structure" and len(structures) == 1)]
    if missing:
        raise DataError(
            f"{path}: has the columns {', '.join(columns)}. Expected {', '.join(COLUMNS)}: add {missing[0]}."
        )
    return found


def _choose_structure(where: str, text: str, structures: Sequence[str]) -> str:
    if not text and len(structures) == 1:
        return structures[0]
    known = {name.casefold(): name for name in structures}
    if text.casefold() not in known:
        raise DataError(f"{where}: there is no label '{text}'. {did_you_mean(text, structures)}")
    return known[text.casefold()]


def _read_number(where: str, text: str) -> float:
    clock = _CLOCK.fullmatch(text)
    try:
        minutes = int(clock[1]) + int(clock[2]) / 60 if clock else float(text.replace(",", "."))
    except ValueError:
        minutes = math.nan
    if not 0 <= minutes <= _MOST:
        raise DataError(f"{where}: the minutes are '{text}'. Expected a number from 0 to {_MOST:g}, as 12.5 or 12:30.")
    return minutes
