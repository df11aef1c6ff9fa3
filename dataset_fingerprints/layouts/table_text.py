"""Tables as text, CSV or TSV, as spreadsheets save them: any usual separator and mark of an encoding."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.opening import MOST_TEXT_BYTES, read_file
from dataset_fingerprints.files.text import decode_text
from dataset_fingerprints.names import some_of

TABLE_SUFFIXES = (".csv", ".tsv")

_SEPARATORS = ",;\t|"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a table.

    Attributes:
        number: in the file, for messages.
        cells: by the names of their columns.
    """

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Names of columns, and the lines below them that are not blank."""

    columns: tuple[str, ...]
    lines: tuple[Line, ...]


def is_table(path: Path) -> bool:
    """Return whether a path is that of a CSV or TSV file."""
    return path.suffix.lower() in TABLE_SUFFIXES and path.is_file()


def to_tsv(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as the text of a TSV, each cell in one line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerows([[" ".join(cell.split()) for cell in row] for row in rows])
    return text.getvalue()


def read_table(path: Path) -> Table:
    """Read a table whose first line names its columns.

    Cells are separated by commas, semicolons, tabs or bars: by what divides the first line into most of them. A first
    line such as `sep=;` says so, too. Columns without a name and without cells are left out.

    Raises:
        DataError: it cannot be read, has no line of cells, or lines of different lengths.
    """
    rows = _read_rows(path)
    if len(rows) < 2:
        raise DataError(f"{path}: lists no cases. Expected a line of column names (image,label) and a line per case.")
    header = rows[0][1]
    wrong = [str(number) for number, cells in rows[1:] if len(cells) != len(header)]
    if wrong:
        raise DataError(
            f"{path}: line {some_of(wrong, 10)}: has another number of cells than the {len(header)} columns. "
            "Put cells that hold the separator into double quotes."
        )
    used = [place for place, name in enumerate(header) if name or any(cells[place] for _, cells in rows[1:])]
    columns = [header[place] for place in used]
    if "" in columns:
        raise DataError(f"{path}: column {header.index('') + 1} has cells but no name. Name it in the first line.")
    if len(set(columns)) != len(columns):
        raise DataError(f"{path}: has two columns of one name: {', '.join(columns)}. Keep one of them.")
    lines = [Line(number=number, cells={header[place]: cells[place] for place in used}) for number, cells in rows[1:]]
    return Table(columns=tuple(columns), lines=tuple(lines))


def _read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the lines that are not blank with their numbers."""
    try:
        text = decode_text(read_file(path, MOST_TEXT_BYTES))
        separator, skipped = _find_separator(path, text)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error}). Save it as CSV in UTF-8, with commas.") from error
    return [(number, cells) for number, cells in rows if any(cells) and number > skipped]


def _find_separator(path: Path, text: str) -> tuple[str, int]:
    """Return what separates cells, and the number of the line that says so; 0 without one."""
    lines = text.splitlines()
    number, first = next(((number, line) for number, line in enumerate(lines, 1) if line.strip()), (0, ""))
    stated = first.strip().strip('"')
    if len(stated) == 5 and stated.casefold().startswith("sep="):
        return stated[-1], number
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    counts = {mark: _count_cells(first, mark) for mark in (usual, *_SEPARATORS)}
    return max(counts, key=lambda mark: counts[mark]), 0


def _count_cells(line: str, separator: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=separator, skipinitialspace=True)))
    except csv.Error:
        return 0
