"""`select`: what predicts new scans best, with the evidence."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from autoseg.cli.options.model_options import PlanOption, WorkspaceOption
from autoseg.cli.results.deciding import show_selection
from autoseg.cli.results.written import show_written
from autoseg.cli.terminal.display import TerminalProgress


def select(
    workspace: WorkspaceOption = None,
    plan: PlanOption = None,
    configurations: Annotated[
        list[str] | None,
        typer.Option("--configuration", "-c", help="One to choose from; repeatable. Else all that are trained."),
    ] = None,
    score: Annotated[
        Literal["mean", "dice", "lesion_f1"],
        typer.Option(help="What counts: Dice, lesion F1, or the mean of both."),
    ] = "mean",
) -> None:
    """Choose configurations, thresholds and post-processing on the cross-validation, where they help for sure.

    `train all` does it at its end. What is chosen is used by `predict`.
    """
    from autoseg.pipeline.faces import face
    from autoseg.pipeline.faces.located import find_located
    from autoseg.pipeline.plans.reading import choose_plan

    found, progress = find_located(workspace), TerminalProgress()
    name = choose_plan(found, plan, progress)
    chosen = face.select(found, configurations=configurations or (), plan_name=name, score=score, progress=progress)
    show_selection(chosen)
    show_written((("Selection", found.selection(name)), ("Picture", found.selection_picture(name))))
