"""Pictures of a run for people to look at.

What draws is loaded when it is first named: matplotlib takes 35 MiB, which a prediction is better off without.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autoseg.reporting.sheet_rows import SheetRow, Shown
from autoseg.reporting.slices import CaseSlice, View, choose_view, cut_slice, draw_slice, find_window, is_picture

if TYPE_CHECKING:
    from autoseg.reporting.canvas import is_drawn
    from autoseg.reporting.choices import draw_selection
    from autoseg.reporting.contact_sheet import draw_contact_sheet
    from autoseg.reporting.curves import FinalScores, draw_curves
    from autoseg.reporting.overlay import Outline, Overlay, Placed, draw_overlay

__all__ = [
    "CaseSlice",
    "FinalScores",
    "Outline",
    "Overlay",
    "Placed",
    "SheetRow",
    "Shown",
    "View",
    "choose_view",
    "cut_slice",
    "draw_contact_sheet",
    "draw_curves",
    "draw_overlay",
    "draw_selection",
    "draw_slice",
    "find_window",
    "is_drawn",
    "is_picture",
]

_DRAWING = {
    "FinalScores": "curves",
    "Outline": "overlay",
    "Overlay": "overlay",
    "Placed": "overlay",
    "draw_contact_sheet": "contact_sheet",
    "draw_curves": "curves",
    "draw_overlay": "overlay",
    "draw_selection": "choices",
    "is_drawn": "canvas",
}


def __getattr__(name: str) -> Any:
    if name in _DRAWING:
        return getattr(import_module(f"{__name__}.{_DRAWING[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
