"""The table of scan, lesion and voxel level on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autoseg.cli.terminal.display import console, show_table

if TYPE_CHECKING:
    from autoseg.evaluation import Evaluation


def show_levels(evaluation: Evaluation) -> None:
    """Show scores at three levels, a line per class, and how to read them."""
    from autoseg.evaluation.analysis.levels import make_levels
    from autoseg.pipeline.statistics.levels import show_levels as as_texts

    table = make_levels(evaluation)
    show_table(*as_texts(table, evaluation))
    for line in table.describe():
        console.print(line, soft_wrap=True)
