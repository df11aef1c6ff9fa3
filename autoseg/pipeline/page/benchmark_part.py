"""The part of the page with results beside published ones: the tables of a page that `autoseg benchmark` wrote.

Only texts and tables are taken out of that file, so that nothing in it can run or load anything here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from autoseg.pipeline.page.gathering import Gathered
from autoseg.reporting.page import Paragraph, Section, Table
from dataset_fingerprints.errors import DataError

# Rows from which a table is opened by hand; letters of a file at most.
_LONG, _MOST_BYTES = 15, 20_000_000
_HEADS = frozenset({"h1", "h2", "h3", "h4"})
_CELLS = frozenset({"td", "th"})
_SILENT = frozenset({"script", "style", "title"})
_OURS = "ours"


@dataclass(kw_only=True, slots=True)
class _Found:
    """A table with its title and remarks, as it is read."""

    title: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    ours: list[int] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def describe_benchmark(found: Gathered, file: Path | None) -> Section | None:
    """Return the tables of a benchmark; None where there is none.

    Args:
        found: in the workspace.
        file: that `autoseg benchmark` wrote (.html); None for the workspace's own, where it is there.

    Raises:
        DataError: the file that was named is not there, or holds no table.
    """
    place = file or found.workspace.benchmark
    if file is None and not place.is_file():
        return None
    tables = read_tables(place)
    blocks: list[Table | Paragraph] = []
    for one in tables:
        strong, folded = frozenset(one.ours), len(one.rows) >= _LONG
        # What is of simulated scans is marked in the file itself; published results are of patients.
        blocks.append(
            Table(title=one.title, columns=one.columns, rows=one.rows, strong=strong, folded=folded, marked=False)
        )
        blocks += [Paragraph(text=remark) for remark in one.remarks]
    lead = "What can be compared, and what cannot, as `autoseg benchmark` wrote it."
    return Section(key="benchmark", title="Beside published results", lead=lead, blocks=blocks)


def read_tables(place: Path) -> list[_Found]:
    """Return the tables of a page of HTML, each with the heading before it and the list after it.

    Raises:
        DataError: the file cannot be read, or holds no table.
    """
    try:
        with place.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(_MOST_BYTES)
    except OSError as error:
        raise DataError(
            f"{place}: cannot be read ({error.strerror}). Name a file that `autoseg benchmark` wrote."
        ) from error
    reader = _Reader()
    reader.feed(text)
    reader.close()
    tables = [one for one in reader.tables if one.rows]
    if not tables:
        raise DataError(f"{place}: holds no table. Expected the page (.html) that `autoseg benchmark` wrote.")
    return tables


class _Reader(HTMLParser):
    """Reads tables, headings and lists, and nothing else."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Found] = []
        self._title, self._texts, self._silent = "", [""], 0
        self._row: list[str] = []
        self._head, self._ours = False, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        self._silent += tag in _SILENT
        if tag in _HEADS or tag in _CELLS or tag == "li":
            self._texts = [""]
        if tag in _CELLS:
            self._head = tag == "th"
        elif tag == "table":
            self.tables.append(_Found(title=self._title))
        elif tag == "tr":
            self._row, self._ours = [], _OURS in (dict(attrs).get("class") or "").split()

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        self._silent -= tag in _SILENT and self._silent > 0
        text = " ".join("".join(self._texts).split())
        if tag in _HEADS:
            self._title = text
        elif tag in _CELLS:
            self._row.append(text)
        elif tag == "li" and self.tables:
            self.tables[-1].remarks.append(text)
        elif tag == "tr" and self.tables:
            self._end_row(self.tables[-1])

    def handle_data(self, data: str) -> None:
        """Take text."""
        if not self._silent:
            self._texts.append(data)

    def _end_row(self, table: _Found) -> None:
        if self._head and not table.columns:
            table.columns = self._row
            return
        width = len(table.columns) or len(self._row)
        table.ours += [len(table.rows)] if self._ours else []
        table.rows.append((self._row + [""] * width)[:width])
