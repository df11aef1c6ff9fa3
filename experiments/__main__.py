"""`python -m experiments`: comparisons that take longer than a test may."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.display import console, errors, show_table
from dataset_fingerprints.errors import AutosegError
from experiments.memory import TOLERANCE, check_memory
from experiments.peers.nnunet import compare_preprocessing
from experiments.scaling import COLUMNS, measure_scaling

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


@app.command()
def scaling(
    cases: Annotated[list[int] | None, typer.Option(help="How many; repeatable, ascending.")] = None,
) -> None:
    """Measure reading, checking and fingerprinting of small cases: is it linear, and is memory flat?"""
    with tempfile.TemporaryDirectory() as folder:
        points = measure_scaling(cases or [250, 500, 1000, 2000], Path(folder))
    show_table("Reading, checking and fingerprinting", COLUMNS, [point.row() for point in points])


@app.command()
def memory() -> None:
    """Compare predicted and measured memory of training steps on this machine's CUDA card."""
    checks = list(check_memory())
    columns = ("data set", "planner", "GB planned for", "configuration", "predicted", "measured", "ratio", "holds")
    show_table("Peak memory of a training step, GiB", columns, [check.row() for check in checks])
    held = sum(check.holds() for check in checks)
    console.print(f"{held} of {len(checks)} predictions are within {TOLERANCE:.0%} of what torch counted.")


def main() -> None:
    """Run an experiment; what a person can mend is one message and exit code 2."""
    try:
        app()
    except AutosegError as error:
        errors.print(f"experiments: {error}", highlight=False, soft_wrap=True, markup=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
