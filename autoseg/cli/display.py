"""Text and tables on a terminal, or in a file; progress is in `working`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.padding import Padding

from autoseg.cli.consoles import console, errors, wrap_words
from autoseg.cli.scores import show_scores
from autoseg.cli.streams import LastingStream
from autoseg.cli.tables import show_table
from autoseg.cli.working import TerminalProgress

__all__ = [
    "TerminalProgress",
    "console",
    "errors",
    "show_plain",
    "show_reasons",
    "show_scores",
    "show_table",
    "wrap_words",
]


def show_plain(text: str) -> None:
    """Show text without any layout, for other programs."""
    LastingStream(name="stdout").write(f"{text}\n")


def show_reasons(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Show decisions: subject, field and value, the rule, the evidence, and what would change it."""
    console.print(f"\n{title}", style="bold")
    for what, field_name, value, rule, evidence, change in rows:
        console.print(f"\n[bold]{escape(what)}: {escape(value)}[/] [dim]{escape(field_name)}[/]", markup=True)
        for name, text in (("why", rule), ("found", evidence), ("would change with", change)):
            console.print(Padding(f"[dim]{name}:[/] {escape(text)}", (0, 0, 0, 4)), markup=True)
