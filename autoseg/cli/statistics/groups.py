"""Tables of scores by group, beneath those of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.cli.terminal.display import console, show_table

if TYPE_CHECKING:
    from autoseg.evaluation import Evaluation


def show_groups(
    evaluation: Evaluation, by: Sequence[str], out: Path, asked: Sequence[str] = ()
) -> tuple[tuple[str, Path], ...]:
    """Show a table per trait and label, and return what was written beside the scores.

    Args:
        evaluation: with its traits.
        by: names of traits.
        out: the file of the scores.
        asked: names of metrics, which are shown before the usual ones.
    """
    from autoseg.evaluation.analysis.groups import QUARTILE, SIZE
    from autoseg.evaluation.analysis.volumes import summarise_sizes
    from autoseg.pipeline.statistics.case_traits import choose_traits
    from autoseg.pipeline.statistics.groups import describe_zeros, make_tables, place_groups, place_picture
    from autoseg.pipeline.statistics.groups import show_groups as as_texts

    names, _ = choose_traits(by, evaluation.traits)
    tables = make_tables(evaluation, names)
    for table in tables:
        show_table(*as_texts(table, evaluation, asked))
        zeros = describe_zeros(table)
        if zeros:
            console.print(zeros, soft_wrap=True)
    sizes = summarise_sizes(evaluation) if {SIZE, QUARTILE} & {*names} else ()
    for one in sizes:
        of = f"{evaluation.name_of(one.label)}: " if len(sizes) > 1 else ""
        console.print(f"{of}{one.agreement.describe()}\n{of}{one.describe_trend()}", soft_wrap=True)
    picture = (("Volumes", place_picture(out)),) if sizes else ()
    return (("Groups", place_groups(out)), *picture) if tables else ()
