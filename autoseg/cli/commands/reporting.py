"""The command `report`: everything about a workspace as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.options.data_options import choose_target
from autoseg.cli.options.model_options import PlanOption, WorkspaceOption
from autoseg.cli.results.written import show_start
from autoseg.cli.terminal.display import TerminalProgress, console
from dataset_fingerprints.files.places import shorten_path


def report(
    workspace_argument: Annotated[
        Path | None, typer.Argument(metavar="[WORKSPACE]", help="The workspace; else as for -w.")
    ] = None,
    workspace: WorkspaceOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A file (.html) or a folder; else in the workspace.")
    ] = None,
    configuration: Annotated[
        str | None, typer.Option("--configuration", "-c", help="One of the plan's, such as 2d; else its default.")
    ] = None,
    plan: PlanOption = None,
    benchmark: Annotated[
        Path | None, typer.Option(help="The page of `autoseg benchmark` (.html); else benchmark.html in the workspace.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="A folder of masks that predict wrote: lists scans of low predicted Dice.")
    ] = None,
) -> None:
    """Write data, plan, curves, scores and cases as one page for a browser, which needs no network.

    It has what is there: give it again after more folds.
    """
    show_start()
    from autoseg.pipeline.faces.report_face import report as write
    from dataset_fingerprints.sizes import show_bytes

    target = choose_target(None if workspace_argument is None else str(workspace_argument), workspace)
    place = write(
        target,
        plan_name=plan,
        configuration=configuration,
        benchmark=benchmark,
        predictions=predictions,
        out=out,
        progress=TerminalProgress(),
    )
    console.print(f"Report: {shorten_path(place)} ({show_bytes(place.stat().st_size)})", soft_wrap=True)
