"""Tables of statistics as CSV and Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from autoseg.pipeline.scores.case_tables import Table, choose_name, write_table
from dataset_fingerprints.files.atomic import write_bytes

# The first line of a text of ours, by which it is told from a person's own.
_OURS = "<!-- written by autoseg"


def as_markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def write_markdown(path: Path, command: str, text: str) -> None:
    """Write a text that begins with a line, which is not shown, saying which command made it."""
    write_bytes(path, f"{_OURS} {command} -->\n\n{text}".encode(errors="backslashreplace"))


def place_markdown(beside: Path) -> Path:
    """Return where the text beside a file lies: nobody else's file is replaced by it."""
    return choose_name(beside.with_suffix(".md"), lambda there: _first_line(there).startswith(_OURS))


def write_rows(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write rows of the same columns as CSV."""
    write_table(path, Table(columns=tuple(rows[0]) if rows else (), rows=tuple(rows)))


def place_rows(path: Path, columns: Sequence[str]) -> Path:
    """Return where a CSV that begins with these columns can be written: nobody else's file is replaced by it."""
    head = ",".join(columns)
    return choose_name(path, lambda there: _first_line(there).removeprefix("\ufeff").startswith(head))


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.readline(1000)
