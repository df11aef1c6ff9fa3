"""The part of the page about what was selected on the cross-validation, and about predicted Dice."""

from __future__ import annotations

import io

from PIL import Image

from autoseg.pipeline.page.gathering import Gathered
from autoseg.pipeline.selection.selection_text import COLUMNS, describe_rows, describe_selection
from autoseg.reporting import is_drawn
from autoseg.reporting.page import Paragraph, Picture, Section, Table


def describe_choice(found: Gathered) -> Section | None:
    """Return what was selected and measured on the cross-validation; None where nothing was."""
    explanation = found.explanation
    blocks: list[Table | Paragraph | Picture] = []
    if explanation.selection is not None:
        rows = describe_rows(explanation.selection.evidence)
        blocks.append(Table(title="What was tried", columns=COLUMNS, rows=rows))
        blocks += [Paragraph(text=text.strip()) for text in describe_selection(explanation.selection)]
        picture = _read_picture(found)
        blocks += [picture] if picture is not None else []
    blocks += [Paragraph(text=text) for text in explanation.describe_measured()]
    if not blocks:
        return None
    lead = "What is used to predict new scans, and the evidence for it on cases that had no part in the choice."
    return Section(key="selection", title="Selection", lead=lead, blocks=blocks)


def _read_picture(found: Gathered) -> Picture | None:
    path = found.workspace.selection_picture(found.plan.name)
    if not path.is_file() or not is_drawn(path):
        return None
    png = path.read_bytes()
    with Image.open(io.BytesIO(png)) as image:
        width, height = image.size
    alt = "Scores by threshold and by smallest volume of a component, and what the best of them gained."
    return Picture(title="Evidence", png=png, width=width, height=height, alt=alt, light=True)
