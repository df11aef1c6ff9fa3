"""The command `label-shares`: how much of what is labelled every label is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoseg.cli.options.data_options import MaskOption
from autoseg.cli.results.written import show_written
from autoseg.cli.terminal.display import TerminalProgress, console, show_table
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:
    from autoseg.pipeline.statistics.shares import LabelShares


def label_shares(
    masks: Annotated[
        list[Path],
        typer.Argument(help="Label maps: a file, a folder or a data set; several for readers and models of the same."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The table of scans; those of groups and differences lie beside it.")
    ] = Path("shares.csv"),
    names: Annotated[
        list[str] | None, typer.Option("--name", help="Of whose label maps these are, in their order; repeatable.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="What scans are grouped by: site, or a column of a table.")] = "",
    traits: Annotated[
        Path | None, typer.Option(help="A table of the scans: a column case or subject, and others for --by.")
    ] = None,
    labels: Annotated[
        list[int] | None, typer.Option("--label", help="A value that counts; else all but 0 and what is ignored.")
    ] = None,
    ignore: Annotated[int | None, typer.Option(help="The value of unlabelled voxels.")] = None,
    mask: MaskOption = "",
) -> None:
    """Measure the share of every label in what is labelled, by scan and by group, and test differences.

    Of several label maps of the same scans by the signed-rank test, of groups of scans by the rank-sum test.
    """
    from autoseg.pipeline.faces import statistics_face
    from autoseg.pipeline.statistics.shares import place_differences, place_groups

    try:
        found = statistics_face.label_shares(
            masks,
            names=names or (),
            by=by,
            traits=traits,
            labels=labels or (),
            ignore=ignore,
            mask=mask,
            out=out,
            progress=TerminalProgress(),
        )
    except PartlyDoneError as error:
        _show(error.result)
        raise
    _show(found)
    differences = (("Differences", place_differences(out)),) if found.differences else ()
    show_written((("Scans", out), ("Groups", place_groups(out)), *differences))


def _show(found: LabelShares) -> None:
    from autoseg.pipeline.statistics.shares import DIFFERENCES, GROUPS, SHORT, difference_rows, group_rows

    scans = counted(len({one.case for one in found.cases}), "scan")
    rows = [dict(zip(GROUPS, row, strict=True)) for row in group_rows(found)]
    shown = [tuple(row[column] for column in SHORT) for row in rows]
    show_table(mark_title(f"Shares of labels in {scans}", found.simulated), SHORT, shown)
    if found.differences:
        show_table("Differences of shares, Holm's correction", DIFFERENCES, difference_rows(found))
    console.print("Of all: share of the volume of all scans together; mean: of the shares of scans.", soft_wrap=True)
