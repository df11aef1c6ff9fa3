"""Tables on a terminal, or in a file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.table import Table

from autoseg.cli.terminal.consoles import console

_NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*|-|")
_SHORT = 16


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a table; columns of numbers stand right, and are never broken."""
    numbers = [all(_NUMBER.fullmatch(row[place]) for row in rows) for place in range(len(columns))] if rows else []
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for number, column in enumerate(columns):
        right = bool(numbers) and numbers[number]
        # What a line is about stays whole where that leaves room for the rest.
        whole = right or (number == 0 and all(len(row[0]) <= _SHORT for row in rows))
        table.add_column(column, overflow="fold", no_wrap=whole, justify="right" if right else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)
