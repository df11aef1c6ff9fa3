"""Tables of cases for a spreadsheet: a row per case, columns in plain words, labels by their names."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dataset_fingerprints.files.atomic import write_bytes

CASE, SIMULATED, WARNINGS = "case", "simulated", "warnings"
# Excel takes a file for UTF-8 only behind this mark, which other programs do not expect: where there is need for it.
_MARK = "\ufeff"
_MOST_NAMES = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table; the first column is the case, the last one its warnings.

    Attributes:
        columns: names, each once.
        rows: by column; a column that a row lacks is empty in it.
    """

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]


def write_table(path: Path, table: Table) -> None:
    """Write a table as CSV, atomically."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, table.columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.rows)
    text = stream.getvalue()
    # A name on a disk may be no text at all.
    write_bytes(path, f"{'' if text.isascii() else _MARK}{text}".encode(errors="backslashreplace"))


def read_table(path: Path) -> Table | None:
    """Return a table as `write_table` leaves it; None where there is none, or it is another file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = tuple(reader.fieldnames or ())
            rows = tuple(reader)
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    if (
        columns[:1] != (CASE,)
        or columns[-1:] != (WARNINGS,)
        or any(None in row or None in row.values() for row in rows)
    ):
        return None
    return Table(columns=columns, rows=rows)


def mark_simulated(table: Table, simulated: bool) -> Table:
    """Return a table with a column that says of every row that its scans are simulated; as it is where they are not."""
    if not simulated:
        return table
    columns = (*table.columns[:-1], SIMULATED, table.columns[-1])
    return replace(table, columns=columns, rows=tuple({**row, SIMULATED: "yes"} for row in table.rows))


def choose_name(path: Path, is_own: Callable[[Path], bool]) -> Path:
    """Return a path to write to: the given one, or with a number behind it where somebody else's file has its name.

    Args:
        path: the first choice.
        is_own: whether a file that is there may be replaced.
    """
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, _MOST_NAMES))
    for place in (path, *numbered):
        if not place.is_symlink() and (not place.exists() or (place.is_file() and is_own(place))):
            return place
    return path.with_name(f"{path.stem}-{_MOST_NAMES}{path.suffix}")


def show_figure(value: float | None, digits: int = 3) -> str:
    """Return a number for a table; empty where it was not measured."""
    return "" if value is None else f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def join_warnings(warnings: Sequence[str]) -> str:
    """Return warnings as one cell."""
    return " ".join(f"{warning[:1].upper()}{warning[1:]}" for warning in warnings)
