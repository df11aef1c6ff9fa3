"""The command `compare`: systems beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autoseg.cli.results.written import show_written
from autoseg.cli.terminal.display import console, show_table
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:
    from autoseg.evaluation.analysis.systems import SystemComparison


def compare(
    scores: Annotated[
        list[Path],
        typer.Argument(
            metavar="SCORES",
            help="Two or more files of scores, as evaluate writes them (metrics.json), or folders that hold one.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The file for all figures; tables (.csv, .md) lie beside it.")
    ] = Path("comparison.json"),
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="Of a system; repeatable, in the order of the files. Else out of their paths."),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", help="Compare by this one; repeatable. Else Dice, HD95, lesion F1 and volume difference."
        ),
    ] = None,
    interval: Annotated[
        Literal["bca", "percentile"], typer.Option(help="Of the bootstrap; bca corrects for skewness.")
    ] = "bca",
) -> None:
    """Compare systems on the same scans: means, paired differences with intervals and tests, and what they show.

    The more is tested, the stricter each test: name one metric beforehand with --metric for the most power.
    """
    from autoseg.pipeline.faces import statistics_face
    from autoseg.pipeline.statistics.comparing import place_table
    from autoseg.pipeline.statistics.tables import place_markdown

    comparison = statistics_face.compare(scores, names=names or (), metrics=metrics or (), interval=interval, out=out)
    show_comparison(comparison)
    show_written((("All figures", out), ("Table", place_table(out)), ("Text", place_markdown(out))))


def show_comparison(comparison: SystemComparison) -> None:
    """Show means, differences, and what they show."""
    from autoseg.evaluation.analysis.conclusions import conclude, explain_difference
    from autoseg.pipeline.statistics.comparing import MEANS, SHORT, mean_rows, short_rows

    title = f"{counted(len(comparison.cases), 'case')}, scored by all"
    show_table(mark_title(title, comparison.simulated), MEANS, mean_rows(comparison))
    tests = counted(comparison.tested, "test")
    values = f"p-values corrected for {tests}" if comparison.tested else "too few cases for tests"
    for pair, rows in short_rows(comparison).items():
        title = f"{pair} ({values})"
        show_table(mark_title(title, comparison.simulated), SHORT, rows)
    for one in comparison.differences:
        console.print(f"- {explain_difference(one, comparison)}", soft_wrap=True)
    for remark in comparison.remarks:
        console.print(f"- {remark}", soft_wrap=True)
    console.print(conclude(comparison), soft_wrap=True, style="bold")
