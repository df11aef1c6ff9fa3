"""Text and tables on a terminal, or in a file; progress is in `working`."""

from __future__ import annotations

from autoseg.cli.results.scores import show_scores
from autoseg.cli.terminal.consoles import console, errors, wrap_words
from autoseg.cli.terminal.streams import LastingStream
from autoseg.cli.terminal.tables import show_table
from autoseg.cli.terminal.working import TerminalProgress

__all__ = [
    "TerminalProgress",
    "console",
    "errors",
    "show_plain",
    "show_scores",
    "show_table",
    "wrap_words",
]


def show_plain(text: str) -> None:
    """Show text without any layout, for other programs."""
    LastingStream(name="stdout").write(f"{text}\n")
