"""Pictures of a run for people to look at."""

from autoseg.report.contact_sheet import SheetRow, draw_contact_sheet
from autoseg.report.curves import FinalScores, draw_curves
from autoseg.report.overlay import Outline, Overlay, Placed, draw_overlay

__all__ = [
    "FinalScores",
    "Outline",
    "Overlay",
    "Placed",
    "SheetRow",
    "draw_contact_sheet",
    "draw_curves",
    "draw_overlay",
]
