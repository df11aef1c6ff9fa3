"""Rows of a spreadsheet: CSV, TSV or xlsx, with the names of the columns in one of the first lines."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.opening import MOST_TEXT_BYTES, read_file
from dataset_fingerprints.files.text import decode_text

SUFFIXES = (".csv", ".tsv", ".xlsx")
_MOST_ROWS = 100_000


Rows = list[list[str]]


def read_sheets(path: Path) -> list[Rows]:
    """Return the rows that are not blank, as text; those of every sheet apart.

    Raises:
        DataError: the file cannot be read.
    """
    sheets = _read_workbook(path) if path.suffix.lower() == ".xlsx" else [_read_text(path)]
    return [[row for row in rows if any(row)] for rows in sheets]


def _read_text(path: Path) -> Rows:
    try:
        content = read_file(path, MOST_TEXT_BYTES)
        try:
            text = decode_text(content)
        except UnicodeError:
            text = content.decode("cp1252")  # as spreadsheets on Windows save CSV
        separator = "\t" if path.suffix.lower() == ".tsv" else _find_separator(text)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return [[cell.strip() for cell in row] for row in reader]
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a table ({error}). Save it as CSV in UTF-8.") from error


def _find_separator(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=first.count)


def _read_workbook(path: Path) -> list[Rows]:
    # Slow to import, and only few sources have such a table.
    import openpyxl

    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore")  # formats and validations that are of no meaning for the values
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            return [list(_read_sheet(sheet.iter_rows(values_only=True))) for sheet in book.worksheets]
    except Exception as error:  # a damaged one fails in any way: its zip file, its XML, or what that holds
        raise DataError(f"{path}: cannot be read as a spreadsheet ({error}). Save it as CSV in UTF-8.") from error


def _read_sheet(rows: Iterator[Sequence[object]]) -> Iterator[list[str]]:
    for number, row in enumerate(rows):
        if number == _MOST_ROWS:
            return
        yield [_as_text(value) for value in row]


def _as_text(value: object) -> str:
    """Return a cell as text: whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
