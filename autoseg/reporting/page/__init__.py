"""The report as one page: what it holds as values, its charts and pictures, and how it becomes HTML."""

from autoseg.reporting.page.document import (
    CaseView,
    Chart,
    Charts,
    Layer,
    Page,
    Paragraph,
    Picture,
    Section,
    Table,
    Volume,
)
from autoseg.reporting.page.render import is_page, render_page

__all__ = [
    "CaseView",
    "Chart",
    "Charts",
    "Layer",
    "Page",
    "Paragraph",
    "Picture",
    "Section",
    "Table",
    "Volume",
    "is_page",
    "render_page",
]
