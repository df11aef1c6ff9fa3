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


def make_anchor(*names: str) -> str:
    """Return the anchor of a heading whose name others have as well: `training-loss-none`."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(names).lower()).strip("-")


def link(name: str, anchor: str, page: str = "") -> str:
    """Return a link to a heading of the same page, or of another one."""
    return f"[{as_code(name)}]({page}#{anchor})"


def as_code(text: str) -> str:
    """Return text that is shown as it is typed."""
    return f"`{text}`" if text else ""


def _fit(cell: str) -> str:
    """Return text that neither ends a cell nor begins markup, but for code in backticks and links to headings."""
    one_line = " ".join(cell.split())
    parts = re.split(r"(\[[^\]]+\]\([\w.-]*#[\w.-]+\)|`[^`]*`)", one_line)
    # What a pattern captures lies at the odd places.
    escaped = (part if place % 2 else re.sub(r"([*_<\[])", r"\\\1", part) for place, part in enumerate(parts))
    return "".join(escaped).replace("|", "\\|")
