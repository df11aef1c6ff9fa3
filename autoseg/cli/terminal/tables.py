"""Tables on a terminal, or in a file: laid out so that no word and no figure is broken where that can be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.table import Table

from autoseg.cli.terminal.consoles import console

_NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*|-|")
# What is read as one figure: `0.512 to 0.630`, `0.81 (n 4)`, `< 0.001`, a mean and below it its deviation.
_FIGURE = re.compile(r"(?:[-+±<>=%.,:/() \n0-9]|\b(?:to|of|n|p)\b)*")
_SHORT = 16
# Where there is no room, a word that is longer may be broken: a path, for example; names of cases in the first column.
_LONGEST_WORD, _LONGEST_NAME = 12, 24
# Of the first columns, so many say what a line is about.
_MOST_KEYS = 2
# Of a column beside its text: two blanks and a line; of a table one line more.
_AROUND = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    """A column with its cells, and between which widths it can be shown.

    Attributes:
        title: its head.
        cells: its texts, from the top.
        number: whether all of these are numbers.
        whole: whether its cells are never broken.
        longest: of its words, the length from which on they may be broken.
        least: the width in which no word and no figure is broken.
        widest: the width in which nothing is wrapped.
    """

    title: str
    cells: tuple[str, ...]
    number: bool
    whole: bool
    longest: int
    least: int = field(init=False)
    widest: int = field(init=False)

    def __post_init__(self) -> None:
        lines = [line for cell in self.cells for line in cell.split("\n")]
        figures = self.whole or self.is_figure()
        words = [*self.title.split(), *(() if figures else (word for line in lines for word in line.split()))]
        least = min(self.longest, max(map(cell_len, words), default=0))
        longest = max(map(cell_len, lines), default=0)
        object.__setattr__(self, "least", max(least, longest) if figures else least)
        object.__setattr__(self, "widest", max(longest, cell_len(self.title), self.least))

    def is_figure(self) -> bool:
        """Return whether its cells are read as one figure each."""
        return all(_FIGURE.fullmatch(cell) for cell in self.cells)


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a table; columns of numbers stand right, and are never broken.

    A table that is wider than the terminal has longer lines wrapped between words; where that is not enough, it is
    shown as several, each with the first columns.
    """
    made = [_make_column(place, name, [row[place] for row in rows]) for place, name in enumerate(columns)]
    for number, block in enumerate(_split(made, console.width)):
        _show(title if number == 0 else "continued", block)


def _make_column(place: int, title: str, cells: Sequence[str]) -> _Column:
    number = bool(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)
    # What a line is about stays whole where that leaves room for the rest.
    whole = number or (place == 0 and all(cell_len(cell) <= _SHORT for cell in cells))
    longest = _LONGEST_WORD if place else _LONGEST_NAME
    return _Column(title=title, cells=tuple(cells), number=number, whole=whole, longest=longest)


def _split(columns: Sequence[_Column], width: int) -> Iterator[Sequence[_Column]]:
    """Yield columns that fit beside each other, each time with those that say what a line is about before them."""
    if _measure(columns) <= width:
        yield columns
        return
    keys = _choose_keys(columns, width)
    block: list[_Column] = []
    for column in columns[len(keys) :]:
        if block and _measure([*keys, *block, column]) > width:
            yield [*keys, *block]
            block = []
        block.append(column)
    yield [*keys, *block]


def _choose_keys(columns: Sequence[_Column], width: int) -> Sequence[_Column]:
    """Return the first column; and the texts behind it where figures follow, and room is left for them."""
    texts = next((place for place, column in enumerate(columns) if place and column.is_figure()), 1)
    return columns[:texts] if texts <= _MOST_KEYS and _measure(columns[:texts]) <= width // 2 else columns[:1]


def _measure(columns: Sequence[_Column]) -> int:
    return sum(column.least + _AROUND for column in columns) + 1


def _show(title: str, columns: Sequence[_Column]) -> None:
    widths = _choose_widths(columns, console.width)
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column.title, overflow="fold", width=width, justify="right" if column.number else "left")
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*cells)
    console.print(table)


def _choose_widths(columns: Sequence[_Column], width: int) -> list[int]:
    """Return a width for each column: only those are narrower than their text that would be the widest."""
    room = max(width, _measure(columns)) - len(columns) * _AROUND - 1
    level = max(column.widest for column in columns)
    while sum(_limit(column, level) for column in columns) > room:
        level -= 1
    return [_limit(column, level) for column in columns]


def _limit(column: _Column, level: int) -> int:
    return max(column.least, min(column.widest, level))
