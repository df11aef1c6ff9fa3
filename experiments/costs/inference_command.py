"""The command `inference` of `python -m experiments`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def inference(
    scans: Annotated[Path, typer.Argument(help="A folder of scans, or a data set.")],
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="With the trained fold.")],
    references: Annotated[Path | None, typer.Option("--references", "-r", help="Masks of the same names.")] = None,
    fold: Annotated[str, typer.Option(help="That predicts.")] = "0",
    configuration: Annotated[str, typer.Option("--configuration", "-c", help="In 3D; else the plan's default.")] = "",
    work: Annotated[Path, typer.Option(help="Where masks and figures are written.")] = Path("inference-work"),
) -> None:
    """Predict with one network on patches and on the whole image in one pass, each in a fresh process."""
    from autoseg.cli.terminal.display import show_table
    from experiments.costs.inference import COLUMNS, Trained, compare_inference

    trained = Trained(workspace=workspace, fold=fold, configuration=configuration)
    rows = [one.row() for one in compare_inference(trained, scans, references, work.resolve())]
    show_table("One network, without flips", COLUMNS, rows)
