"""The command `quality`: what flips and overlaps bring, and how well the Dice of masks can be predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.options.data_options import choose_target
from autoseg.cli.options.model_options import ModelsOption, PlanOption, WorkspaceOption
from autoseg.cli.results.written import show_start, show_written
from autoseg.cli.terminal.display import TerminalProgress, console, show_table


def quality(
    workspace_argument: Annotated[
        Path | None, typer.Argument(metavar="[WORKSPACE]", help="The workspace; else as for -w.")
    ] = None,
    workspace: WorkspaceOption = None,
    configurations: ModelsOption = None,
    plan: PlanOption = None,
    minutes: Annotated[float, typer.Option(help="Time to measure the flips of each configuration in.")] = 3.0,
) -> None:
    """Measure what flips and overlaps bring, and how well the Dice of new masks can be predicted.

    Both on cases that the networks were not trained on. `train all` does it at its end, and `predict` uses it.
    """
    show_start()
    from autoseg.hardware import calm_threads
    from autoseg.pipeline.confidence.measuring import measure_confidence
    from autoseg.pipeline.confidence.texts import COLUMNS, describe_measured, describe_rows
    from autoseg.pipeline.plans.reading import choose_plan
    from autoseg.workspace.workspace import find_workspace
    from dataset_fingerprints.errors import PlanError

    if not minutes > 0:
        raise PlanError(f"--minutes is {minutes:g}. Expected more than 0.")
    calm_threads()
    found = find_workspace(choose_target(None if workspace_argument is None else str(workspace_argument), workspace))
    progress = TerminalProgress()
    name = choose_plan(found, plan, progress)
    measured = measure_confidence(found, name, configurations or (), progress, minutes)
    for one in measured.efforts:
        title = f"{one.configuration}: ways to predict, on {one.name_cases()}"
        show_table(title, COLUMNS, list(describe_rows(one)))
    for line in describe_measured(measured.efforts, (measured.calibration,)):
        console.print(line, soft_wrap=True)
    show_written((("Quality", found.quality(name)), ("Predicted Dice", found.predicted_dice(name))))
