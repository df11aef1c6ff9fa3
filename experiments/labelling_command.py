"""The command `labelling` of `python -m experiments`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer


def labelling(
    work: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("labelling-work"),
    ways: Annotated[
        list[str] | None,
        typer.Option("--way", help="To choose scans by; repeatable. Default: uncertainty, random, order."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Simulated data sets, with a loop of each way.")] = 3,
    rounds: Annotated[int, typer.Option(help="Of each loop.")] = 3,
    first: Annotated[int, typer.Option(help="Scans that are labelled at the start.")] = 4,
    count: Annotated[int, typer.Option(help="Scans that are labelled in each later round.")] = 4,
    pool: Annotated[int, typer.Option(help="Scans to choose from.")] = 32,
    copies: Annotated[int, typer.Option(help="Nearly the same scans of each brain in the pool.")] = 1,
    test: Annotated[int, typer.Option(help="Held-out scans.")] = 20,
    iterations: Annotated[int | None, typer.Option(help="Of every training; else --minutes.")] = None,
    minutes: Annotated[float, typer.Option(help="Of every training.")] = 5.0,
    spacing_mm: Annotated[float, typer.Option(help="Voxels of the simulated scans.")] = 3.0,
    min_lesion_ml: Annotated[float, typer.Option(help="Smallest total lesion volume of a scan.")] = 0.5,
    assignments: Annotated[list[str] | None, typer.Option("--set", help="Change a value of the plan.")] = None,
) -> None:
    """Let a simulated person and a network label in turn: is uncertainty with diversity better than chance?"""
    from autoseg.cli.terminal.display import TerminalProgress, console, show_table
    from experiments.labelling import COLUMNS, GAINS, Setting, compare_ways, play_all, show_rounds

    setting = Setting(
        ways=tuple(ways or Setting().ways),
        seeds=seeds,
        rounds=rounds,
        first=first,
        count=count,
        pool=pool,
        copies=copies,
        test=test,
        iterations=iterations,
        minutes=minutes,
        assignments=tuple(assignments or ()),
    )
    setting = replace(
        setting, simulation=replace(setting.simulation, spacing_mm=spacing_mm, min_lesion_ml=min_lesion_ml)
    )
    played = play_all(setting, work.resolve(), TerminalProgress())
    show_table("SIMULATED scans and people: held-out Dice", COLUMNS, show_rounds(played))
    show_table("Changes of held-out Dice", GAINS, compare_ways(played))
    console.print(f"Loops: {work}/SEED/WAY; `autoseg label table -w {work}/0/{setting.ways[0]}` shows one.")
