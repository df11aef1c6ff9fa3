"""`import-nnunet`: models that other people trained with nnU-Net."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.commands.predicting import show_model
from autoseg.cli.options.model_options import FoldsOption
from autoseg.cli.results.written import show_start
from autoseg.cli.terminal.display import TerminalProgress
from autoseg.pipeline.faces import model_face


def import_nnunet(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="What nnU-Net v2 trained: the folder with plans.json and fold_0, or the one around it.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write: model.zip.")] = Path("model.zip"),
    configuration: Annotated[
        str, typer.Option("--configuration", "-c", help="Which of several: 3d_fullres, or 3d_cascade_fullres.")
    ] = "",
    folds: FoldsOption = None,
    best: Annotated[
        bool, typer.Option("--best", help="Take checkpoint_best.pth in place of checkpoint_final.pth.")
    ] = False,
    name: Annotated[str, typer.Option("--name", help="What to call the model; else as the data set.")] = "",
    licence: Annotated[
        str, typer.Option("--licence", "--license", help="Under which the weights may be used: CC-BY-4.0.")
    ] = "",
    intended_use: Annotated[str, typer.Option(help="What the model is meant for, for its card.")] = "",
) -> None:
    """Turn a model of nnU-Net v2 into one file: `autoseg predict SCANS -o MASKS -m model.zip` predicts what it does."""
    show_start()
    written = model_face.import_nnunet(
        folder,
        out,
        configuration=configuration,
        folds=folds or (),
        best=best,
        name=name,
        licence=licence,
        intended_use=intended_use,
        progress=TerminalProgress(),
    )
    show_model(written)
