"""Rows of a contact sheet and the labels on it, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from autoseg.reporting.slices import CaseSlice


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A label or region of a sheet.

    Attributes:
        name: in the legend.
        values: label values that it is made of.
        position: among all of its data set, which says its colour; None for that in which it is drawn.
    """

    name: str
    values: tuple[int, ...]
    position: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRow:
    """One case of a contact sheet.

    Attributes:
        caption: a few words on the case, for example `Dice 0.71 · 12.3 ml`.
        detail: more on the case, on a line of its own, or empty.
        warning: a sentence that is drawn below, or empty.
    """

    case: str
    plane: CaseSlice
    caption: str
    detail: str = ""
    warning: str = ""
