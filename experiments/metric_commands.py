"""Commands about metrics: beside other programs, and how long they take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.terminal.display import console, show_table


def compare_with_peers(
    work: Annotated[Path, typer.Option(help="Where environments and figures go.")] = Path("peers-metrics"),
    sources: Annotated[
        Path | None,
        typer.Option(help="A folder with checkouts of the challenges' code, called npnl, isles22, isles26, ccmetrics."),
    ] = None,
    random: Annotated[int, typer.Option(help="Random pairs of masks, beside those made by hand.")] = 40,
) -> None:
    """Compare metrics with surface-distance, panoptica 1.0.1 and 2.1.7, and the challenges' own code."""
    from experiments.peers.metric_peers import COLUMNS, compare_metrics

    rows = list(compare_metrics(work.resolve(), None if sources is None else sources.resolve(), random))
    show_table("Metrics beside those of others", COLUMNS, rows)
    if sources is None:
        console.print("Without --sources, the code of the challenges was left out.", soft_wrap=True)


def time_evaluation(
    work: Annotated[Path, typer.Option(help="Where the masks are written.")] = Path("evaluation-work"),
    pairs: Annotated[int, typer.Option(help="Of masks of 197x233x189 voxels.")] = 100,
    threads: Annotated[int, typer.Option(help="That score cases.")] = 2,
    lesion_masks: Annotated[Path | None, typer.Option(help="Masks of people's lesions; else simulated.")] = None,
) -> None:
    """Time the scoring of pairs of masks by the default metrics and by all that need no probabilities."""
    from experiments.evaluation_speed import COLUMNS, write_pairs
    from experiments.evaluation_speed import time_evaluation as run

    write_pairs(work, pairs, lesion_masks)
    show_table("Scoring masks, reading included", COLUMNS, [timing.row() for timing in run(work, threads)])
