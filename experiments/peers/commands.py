"""The commands of `python -m experiments peers`: other pipelines beside autoseg.

What imports torch is imported inside the commands, as in `experiments/__main__.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.terminal.display import show_table

peers = typer.Typer(no_args_is_help=True, help="Other pipelines beside autoseg.")


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
    from experiments.peers.nnunet import compare_preprocessing

    comparison = compare_preprocessing(data, work, environment, rounds)
    show_table("Medians", ("step", "autoseg", "nnU-Net", "autoseg / nnU-Net"), comparison.rows())


@peers.command("steps")
def peer_steps(
    data: Annotated[Path, typer.Option(help="A raw data set.")],
    work: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("peers-work"),
    environment: Annotated[Path, typer.Option(help="nnU-Net's virtual environment.")] = Path("peers-nnunet"),
    turns: Annotated[int, typer.Option(help="Of two steps each.")] = 10,
) -> None:
    """Time training steps of autoseg, nnU-Net v2 and the bare network in turns, all of one plan."""
    from experiments.costs.steps import TRAINER, show
    from experiments.peers.steps import time_beside_nnunet

    contenders = time_beside_nnunet(data, work, environment, turns)
    columns = ("who", "median s", "range", "steps", "autoseg / it", "said")
    show_table("Seconds per training step", columns, show(contenders, TRAINER))


@peers.command()
def parity(
    work: Annotated[Path, typer.Option(help="Where everything is written; trained models in it stay.")] = Path(
        "peers-work"
    ),
    environment: Annotated[Path, typer.Option(help="nnU-Net's virtual environment.")] = Path("peers-nnunet"),
    trials: Annotated[list[str] | None, typer.Option("--trial", help="plain, residual or regions; else all.")] = None,
    half: Annotated[bool, typer.Option("--half", help="Leave nnU-Net's sums of tiles in half precision.")] = False,
) -> None:
    """Train tiny models with nnU-Net v2, import them, and compare both sides' masks and probabilities."""
    from experiments.peers.parity import compare_predictions

    rows = [difference.row() for difference in compare_predictions(work, environment, trials or (), half=half)]
    columns = ("model", "scan", "other voxels", "marked", "largest difference", "within bounds")
    show_table("Imported models beside nnU-Net", columns, rows)


@peers.command("predictions")
def peer_predictions(
    work: Annotated[Path, typer.Option(help="Where everything is written; a trained model in it stays.")] = Path(
        "peers-work"
    ),
    environment: Annotated[Path, typer.Option(help="nnU-Net's virtual environment.")] = Path("peers-nnunet"),
    rounds: Annotated[int, typer.Option(help="How often each scan is predicted by both.")] = 3,
    flips: Annotated[bool | None, typer.Option(help="Only with, or only without.")] = None,
    on_gpu: Annotated[bool, typer.Option("--on-gpu", help="With a network of usual size, on a CUDA GPU.")] = False,
) -> None:
    """Time predicting the same scans with the same weights, and measure memory, in turns."""
    from experiments.peers.prediction_race import RACE, RACE_ON_GPU, race_predictions

    columns = (
        "scan",
        "flips",
        "nnU-Net",
        "autoseg s",
        "nnU-Net s",
        "ratio",
        "of commands",
        "of CPU",
        "autoseg GiB",
        "nnU-Net GiB",
        "ratio",
    )
    either = (False, True) if flips is None else (flips,)
    trial = RACE_ON_GPU if on_gpu else RACE
    rows = [one.row() for one in race_predictions(work, environment, rounds, flips=either, trial=trial)]
    show_table("Predicting a scan", columns, rows)


@peers.command()
def race(
    data: Annotated[Path, typer.Option(help="A raw data set.")],
    work: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("peers-work"),
    environment: Annotated[Path, typer.Option(help="nnU-Net's virtual environment.")] = Path("peers-nnunet"),
    minutes: Annotated[
        list[float] | None, typer.Option(help="To train in, each; repeatable, ascending. Default 20.")
    ] = None,
) -> None:
    """Train fold 0 with autoseg and nnU-Net v2 for the same time, and compare Dice on the cases left out."""
    from experiments.peers.race import race as hold_race
    from experiments.peers.race import show_times

    work.mkdir(parents=True, exist_ok=True)
    races = []
    for budget in minutes or [20.0]:
        races.append(hold_race(data, work, environment, budget))
        columns = ("label", "autoseg", "nnU-Net", "difference (95 % over cases)")
        show_table(f"{budget:g} minutes each", columns, races[-1].rows())
    if len(races) > 1:
        show_table("Minutes to a mean Dice", ("Dice", "autoseg", "nnU-Net"), show_times(races))
