"""Pieces of Markdown that reference pages are put together from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; without rows, nothing."""
    lines = ["| " + " | ".join(map(_fit, row)) + " |" for row in rows]
    if not lines:
        return ""
    head = "| " + " | ".join(columns) + " |"
    return "\n".join((head, "|" + "---|" * len(columns), *lines)) + "\n"


def write_section(title: str, *paragraphs: str, level: int = 2) -> str:
    """Return a heading and what follows it, without what is empty."""
    return "\n\n".join((f"{'#' * level} {title}", *filter(None, paragraphs))) + "\n"


def as_code(text: str) -> str:
    """Return text that is shown as it is typed."""
    return f"`{text}`" if text else ""


def _fit(cell: str) -> str:
    """Return text that neither ends a cell nor begins markup, but for code in backticks."""
    one_line = " ".join(cell.split())
    parts = re.split(r"(`[^`]*`)", one_line)
    escaped = (part if part.startswith("`") else re.sub(r"([*_<\[])", r"\\\1", part) for part in parts)
    return "".join(escaped).replace("|", "\\|")
