"""The mark of figures and models that were made of simulated scans: nobody may take them for those of patients."""

from __future__ import annotations

MARK = "SIMULATED"


def mark_title(title: str, simulated: bool) -> str:
    """Return the title of a table or picture, with the mark in front where its scans are simulated."""
    return f"{MARK}: {title}" if simulated else title
