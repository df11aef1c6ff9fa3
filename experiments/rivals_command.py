"""The commands `rivals` and `in-turn` of `python -m experiments`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer


def in_turn(
    workspace: Annotated[Path, typer.Argument(help="That was planned in.")],
    fold: Annotated[str, typer.Argument(help="A number, or `full`.")],
    minutes: Annotated[float, typer.Option(help="For all trainings together.")],
) -> None:
    """Train a fold of a plan's default configuration, and all that it needs before it, in one time for all of them."""
    from autoseg.cli.terminal.display import TerminalProgress
    from autoseg.workspace.workspace import Workspace
    from experiments.experiment.running import train_in_turn

    train_in_turn(Workspace(root=workspace.absolute()), fold, minutes, TerminalProgress())


def rivals(
    work: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("rivals-work"),
    sides: Annotated[
        list[str] | None,
        typer.Option(
            "--side",
            help="NAME=OPTIONS of plan_and_preprocess; repeatable. Default: 'default' and 'nnunet=--planner nnunet'.",
        ),
    ] = None,
    minutes: Annotated[float, typer.Option(help="To train each side in: all networks of a cascade together.")] = 30.0,
    seeds: Annotated[int, typer.Option(help="Trainings per side.")] = 3,
    lesion_masks: Annotated[Path | None, typer.Option(help="As for autoseg simulate.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="A raw data set of which a fifth judges, in place of simulated scans.")
    ] = None,
    spacing_mm: Annotated[float, typer.Option(help="Voxels of simulated scans.")] = 3.0,
    cases: Annotated[int, typer.Option(help="Simulated scans to train on.")] = 60,
    held_out: Annotated[int, typer.Option(help="Simulated scans that judge.")] = 40,
    max_lesion_ml: Annotated[float, typer.Option(help="As for autoseg simulate.")] = 390.0,
) -> None:
    """Let ways to plan train on the same scans for the same time, side by side, and judge them on other ones."""
    from autoseg.cli.terminal.display import TerminalProgress, console, show_table
    from dataset_fingerprints.durations import show_duration
    from dataset_fingerprints.layouts import find_marks
    from dataset_fingerprints.names import counted
    from dataset_fingerprints.simulated import mark_title
    from experiments.rivals import OUTCOMES, SIMULATION, Contest, hold_contest, parse_side
    from experiments.rivals_figures import compare, name_columns

    simulation = replace(
        SIMULATION,
        lesion_masks=str(lesion_masks.resolve()) if lesion_masks else "",
        spacing_mm=spacing_mm,
        cases=cases,
        held_out_cases=held_out,
        max_lesion_ml=max_lesion_ml,
    )
    named = tuple(parse_side(side) for side in sides or ("default", "nnunet=--planner nnunet"))
    contest = Contest(sides=named, minutes=minutes, seeds=seeds, simulation=simulation, data=data)
    outcomes = hold_contest(contest, work, TerminalProgress())
    scans = data.name if data else f"scans of {simulation.spacing_mm:g} mm"
    title = f"{show_duration(60 * minutes)} each, {counted(seeds, 'seed')}, {scans}"
    # One column says what a row is of: narrow terminals repeat the first.
    rows = [(", ".join(row[:3]), *row[3:]) for row in compare(outcomes)]
    _, _, _, *columns = name_columns(named[0].name)
    show_table(mark_title(title, data is None or find_marks([data]).simulated), ("of", *columns), rows)
    console.print(f"All figures: {work / OUTCOMES}", soft_wrap=True)
