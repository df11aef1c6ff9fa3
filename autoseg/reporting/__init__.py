"""Pictures of a run for people to look at."""

from autoseg.reporting.canvas import is_drawn
from autoseg.reporting.choices import draw_selection
from autoseg.reporting.contact_sheet import SheetRow, Shown, draw_contact_sheet
from autoseg.reporting.curves import FinalScores, draw_curves
from autoseg.reporting.overlay import Outline, Overlay, Placed, draw_overlay
from autoseg.reporting.slices import CaseSlice, View, choose_view, cut_slice, draw_slice, find_window, is_picture

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
