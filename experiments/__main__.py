"""`python -m experiments`: comparisons that take longer than a test may."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.display import show_table
from experiments.peers.nnunet import compare_preprocessing

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
peers = typer.Typer(no_args_is_help=True, help="Other pipelines beside autoseg.")
app.add_typer(peers, name="peers")


@peers.callback()
def _peers() -> None:
    """Other pipelines beside autoseg, on the same data and machine, in one run."""


@peers.command()
def nnunet(
    data: Annotated[Path, typer.Option(help="A raw data set.")],
    work: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("peers-work"),
    environment: Annotated[Path, typer.Option(help="nnU-Net's virtual environment.")] = Path("peers-nnunet"),
    rounds: Annotated[int, typer.Option(help="How often each side runs.")] = 3,
) -> None:
    """Time plan_and_preprocess of nnU-Net v2 and autoseg in alternation."""
    comparison = compare_preprocessing(data, work, environment, rounds)
    show_table("Medians", ("step", "autoseg", "nnU-Net", "autoseg / nnU-Net"), comparison.rows())


if __name__ == "__main__":
    app()
