"""Tables of scores by group, beneath those of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.cli.display import show_table

if TYPE_CHECKING:
    from autoseg.evaluation import Evaluation


def show_groups(evaluation: Evaluation, by: Sequence[str], out: Path) -> tuple[tuple[str, Path], ...]:
    """Show a table per trait and label, and return what was written beside the scores."""
    from autoseg.pipeline.statistics.case_traits import choose_traits
    from autoseg.pipeline.statistics.groups import make_tables, place_groups
    from autoseg.pipeline.statistics.groups import show_groups as as_texts

    names, _ = choose_traits(by, evaluation.traits)
    tables = make_tables(evaluation, names)
    for table in tables:
        show_table(*as_texts(table, evaluation))
    return (("Groups", place_groups(out)),) if tables else ()
