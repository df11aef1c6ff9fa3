"""Tables of features: a row per case, a column per feature."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.pipeline.scores.case_tables import CASE, SIMULATED, WARNINGS, Table, mark_simulated, write_table
from autoseg.radiomics import family_of
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts.table_text import read_table

# A digest of everything that a row follows from, by which a later run knows that it can stay.
MADE_FROM = "made from"
_DIGITS = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureRow:
    """The features of one case.

    Attributes:
        features: by name; empty for a case that could not be measured.
        made_from: digest of what they follow from; empty for a case that is to be measured again.
        warning: what is odd about it.
    """

    features: Mapping[str, str]
    made_from: str = ""
    warning: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureTable:
    """Features of cases as numbers.

    Attributes:
        cases: their names.
        names: of the features.
        values: (case, feature); NaN where a case does not have one.
        simulated: whether the scans are simulated.
    """

    cases: tuple[str, ...]
    names: tuple[str, ...]
    values: NDArray[np.float64]
    simulated: bool = False


def show_number(value: float) -> str:
    """Return a feature for a table; empty where it is not defined."""
    return f"{value:.{_DIGITS}g}" if math.isfinite(value) else ""


def write_features(path: Path, rows: Mapping[str, FeatureRow], *, simulated: bool) -> None:
    """Write the rows of all cases, in their order."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row.features))
    filled = tuple(
        {CASE: case, **row.features, MADE_FROM: row.made_from, WARNINGS: row.warning} for case, row in rows.items()
    )
    table = Table(columns=(CASE, *names, MADE_FROM, WARNINGS), rows=filled)
    write_table(path, mark_simulated(table, simulated))


def read_rows(path: Path) -> dict[str, FeatureRow]:
    """Return the rows of an earlier table by case; none without one."""
    if not path.is_file() or not path.stat().st_size:
        return {}
    table = read_table(path)
    return {
        line.cells[CASE]: FeatureRow(
            features={name: cell for name, cell in line.cells.items() if family_of(name) is not None and cell},
            made_from=line.cells.get(MADE_FROM, ""),
            warning=line.cells.get(WARNINGS, ""),
        )
        for line in table.lines
        if line.cells.get(CASE)
    }


def read_features(path: Path) -> FeatureTable:
    """Read a table of features; cases without any are left out.

    Raises:
        DataError: it is not such a table, lists a case twice, or a cell is not a number.
    """
    table = read_table(path)
    names = tuple(name for name in table.columns if family_of(name) is not None)
    if CASE not in table.columns or not names:
        raise DataError(
            f"{path}: has no column '{CASE}', or no features. Expected a table as `autoseg radiomics` writes it."
        )
    rows: dict[str, list[float]] = {}
    for line in table.lines:
        case = line.cells[CASE]
        if case in rows:
            raise DataError(f"{path}: lists the case {case} twice. Keep one line for each.")
        row = [_read_number(path, line.number, name, line.cells[name]) for name in names]
        if not all(map(math.isnan, row)):
            rows[case] = row
    values = np.array(list(rows.values()), dtype=np.float64).reshape(len(rows), len(names))
    simulated = any(line.cells.get(SIMULATED) for line in table.lines)
    return FeatureTable(cases=tuple(rows), names=names, values=values, simulated=simulated)


def _read_number(path: Path, line: int, column: str, text: str) -> float:
    if not text.strip():
        return math.nan
    try:
        return float(text)
    except ValueError as error:
        raise DataError(f"{path}: line {line}: {column} is '{text}'. Expected a number, or nothing.") from error
