"""`predict` and `export`: what trained models are for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.options.data_options import ModelChannelOption, ScansArgument, choose_target
from autoseg.cli.options.model_options import (
    FoldsOption,
    ModelsOption,
    PlanOption,
    ScanMemoryOption,
    SelectedOption,
    WorkspaceOption,
)
from autoseg.cli.results.written import show_masks, show_start, showing_what_is_done
from autoseg.cli.terminal.display import TerminalProgress, console
from autoseg.pipeline.faces import model_face
from dataset_fingerprints.files.places import shorten_path


def predict(
    scans: ScansArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The folder for the masks; for one scan also the mask itself, such as mask.nii.gz."
        ),
    ],
    workspace: WorkspaceOption = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="An exported model (.zip), a workspace, or the folder of a trained fold."),
    ] = None,
    configurations: ModelsOption = None,
    folds: FoldsOption = None,
    selected: SelectedOption = True,
    quality: Annotated[
        str, typer.Option(help="fast (one network, no flips, wide steps), standard, or best (all flips).")
    ] = "standard",
    mirror: Annotated[
        bool | None,
        typer.Option("--mirror/--no-mirror", help="All flips, or none; else as the quality says.", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Predict scans again that have a mask.")] = False,
    zero_missing: Annotated[
        bool, typer.Option("--zero-missing", help="Take scans that lack channels, and fill in zeros.")
    ] = False,
    series: Annotated[
        str, typer.Option(help="Which DICOM series, where there are several: a part of its description, or its UID.")
    ] = "",
    channels: ModelChannelOption = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Write the probability of each label as well, in OUT-report.")
    ] = False,
    uncertainty: Annotated[
        bool,
        typer.Option(
            "--uncertainty",
            help="Write, in OUT-report, the entropy in nats, and the standard deviation between networks.",
        ),
    ] = False,
    bids: Annotated[
        bool, typer.Option(help="Write masks of BIDS trees as a BIDS derivative; else called after their cases.")
    ] = True,
    max_memory_gb: ScanMemoryOption = None,
    plan: PlanOption = None,
) -> None:
    """Segment new scans; each mask lies on its scan's own grid."""
    show_start()
    with showing_what_is_done():
        masks = model_face.predict(
            scans,
            out,
            workspace,
            model=model,
            configurations=configurations or (),
            plan_name=plan,
            folds=folds or (),
            selected=selected,
            quality=quality,
            mirror=mirror,
            overwrite=overwrite,
            zero_missing=zero_missing,
            series=series,
            channels=channels or (),
            probabilities=probabilities,
            uncertainty=uncertainty,
            bids=bids,
            max_memory_gb=max_memory_gb,
            progress=TerminalProgress(),
        )
    show_masks(masks)


def export(
    workspace_argument: Annotated[
        Path | None, typer.Argument(metavar="[WORKSPACE]", help="The workspace; else as for -w.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write: model.zip.")] = Path("model.zip"),
    workspace: WorkspaceOption = None,
    configurations: ModelsOption = None,
    folds: FoldsOption = None,
    selected: SelectedOption = True,
    plan: PlanOption = None,
    name: Annotated[str, typer.Option("--name", help="What to call the model; else as the data set.")] = "",
    licence: Annotated[
        str, typer.Option("--licence", "--license", help="Under which the weights may be used: CC-BY-4.0.")
    ] = "",
    intended_use: Annotated[str, typer.Option(help="What the model is meant for, for its card.")] = "",
    onnx: Annotated[
        bool,
        typer.Option(
            "--onnx", help="Put the networks in as ONNX, too: `python model.zip SCANS -o MASKS` needs no torch."
        ),
    ] = False,
) -> None:
    """Write trained folds into one file that predicts anywhere: `autoseg predict SCANS -o MASKS -m model.zip`."""
    show_start()
    place = choose_target(None if workspace_argument is None else str(workspace_argument), workspace)
    written = model_face.export(
        place,
        out,
        configurations=configurations or (),
        plan_name=plan,
        folds=folds or (),
        selected=selected,
        name=name,
        licence=licence,
        intended_use=intended_use,
        onnx=onnx,
        progress=TerminalProgress(),
    )
    show_model(written)
    if not licence:
        console.print(
            "Its card says that the licence is not stated. Before you give it away: --licence CC-BY-4.0, or yours.",
            soft_wrap=True,
        )


def show_model(written: Path) -> None:
    """Print where a model was written."""
    megabytes = written.stat().st_size / 2**20
    console.print(f"Model: {shorten_path(written)} ({megabytes:,.1f} MiB; README.md in it is its card)", soft_wrap=True)
