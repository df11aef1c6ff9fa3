"""The command `agreement`: readers with each other, and a model with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoseg.cli.results.written import show_written
from autoseg.cli.terminal.display import console, show_table
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:
    from autoseg.evaluation.analysis.readers import ReaderAgreement


def agreement(
    masks: Annotated[Path | None, typer.Argument(help="The masks of a model, as predict writes them.")] = None,
    readers: Annotated[
        list[Path] | None,
        typer.Option("--reader", help="The masks of a reader, with the same names; repeatable."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The file for all figures; tables and a picture lie beside it.")
    ] = Path("agreement.json"),
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="Of the model, if there is one, and of each reader, in this order; repeatable."),
    ] = None,
    labels: Annotated[list[int] | None, typer.Option("--label", help="A value to score; else all found.")] = None,
    regions: Annotated[
        list[str] | None, typer.Option("--region", help="Values to score as one mask: core=2,3. Repeatable.")
    ] = None,
    ignore: Annotated[int | None, typer.Option(help="The value of unlabelled voxels.")] = None,
) -> None:
    """Measure how far readers agree with each other, and a model with them: overlap, distance, voxels and volumes.

    With one reader and a model: the agreement of their volumes (bias, limits of agreement, ICC, CCC).
    """
    from autoseg.pipeline.faces import statistics_face
    from autoseg.pipeline.statistics.agreeing import place_table
    from autoseg.pipeline.statistics.pictures import place_picture
    from autoseg.pipeline.statistics.tables import place_markdown

    found = statistics_face.agreement(
        readers or (),
        masks,
        names=names or (),
        labels=labels or (),
        regions=regions or (),
        ignore=ignore,
        out=out,
    )
    show_agreement(found)
    tables = (("Table", place_table(out)), ("Text", place_markdown(out)))
    show_written((("All figures", out), *tables, ("Picture", place_picture(out.with_suffix(".png")))))


def show_agreement(found: ReaderAgreement) -> None:
    """Show pairs, volumes, and what they say."""
    from autoseg.pipeline.statistics.agreeing import PAIRS, conclusions, pair_rows, voxel_rows

    title = mark_title(f"Masks of {counted(len(found.cases), 'case')}, every two raters", found.simulated)
    show_table(title, PAIRS, [*pair_rows(found), *voxel_rows(found)])
    for one in found.volumes:
        of = f"{found.names[one.label]}: " if len(found.names) > 1 else ""
        console.print(f"- {of}{one.describe()}", soft_wrap=True)
    for sentence in conclusions(found):
        console.print(f"- {sentence}", soft_wrap=True)
