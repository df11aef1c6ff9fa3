"""Options that say what of a workspace is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", help="The workspace; else this directory or the only *-autoseg in it."),
]
PlanOption = Annotated[
    str | None,
    typer.Option("--plan", "--plan-name", help="The plan's name in the workspace; else `default`, or the only one."),
]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--configuration",
        "-c",
        help="One of the plan's, such as 2d; repeatable, to predict together. Else what was selected or planned.",
    ),
]
FoldsOption = Annotated[
    list[str] | None,
    typer.Option("--fold", "-f", help="A fold to take: a number, or full; repeatable, to average. Else all trained."),
]
SelectedOption = Annotated[
    bool, typer.Option("--selected/--not-selected", help="Use what `autoseg select` chose, or the plan as it is.")
]
ScanMemoryOption = Annotated[
    float | None,
    typer.Option(help="Memory that a scan may take beside the program itself, in GiB; else all that is free."),
]
