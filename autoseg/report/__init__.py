"""Pictures of a run for people to look at."""

from autoseg.report.contact_sheet import SheetRow, draw_contact_sheet
from autoseg.report.curves import draw_curves

__all__ = ["SheetRow", "draw_contact_sheet", "draw_curves"]
