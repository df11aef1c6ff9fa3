"""`container`, `serve` and `bids-app`: a trained model where others run it."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.options.model_options import ScanMemoryOption
from autoseg.cli.options.parsing import SeveralValues
from autoseg.cli.results.written import show_masks, show_start, show_written, showing_what_is_done
from autoseg.cli.terminal.display import TerminalProgress, console
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import shorten_path

ModelOption = Annotated[Path | None, typer.Option("--model", "-m", help="An exported model (.zip).")]


def add_deploying(app: typer.Typer) -> None:
    """Add the commands to a program."""
    app.command()(container)
    app.command()(serve)
    app.command(cls=SeveralValues)(bids_app)


def container(
    model: Annotated[Path, typer.Argument(help="An exported model: model.zip.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write; earlier edits of its table stay.")],
) -> None:
    """Write what an image with a model is built from: for grand-challenge.org, and as a BIDS app.

    A Dockerfile, an Apptainer recipe, the table of inputs and outputs, the model, and autoseg itself. Nothing is built.
    """
    show_start()
    from autoseg.pipeline.containers.writing import CARD, DOCKERFILE, write_container

    written = write_container(model.absolute(), out.absolute(), TerminalProgress())
    kept = ", as it was before" if written.kept else ""
    show_written((("Image", written.root / DOCKERFILE), ("How to build and try it", written.root / CARD)))
    console.print(f"Inputs and outputs: {shorten_path(written.interface)}{kept}.", soft_wrap=True)
    command = shlex.join(
        ("docker", "build", "--platform=linux/amd64", "-t", "autoseg-challenge", shorten_path(written.root))
    )
    console.print(f"Build it: {command}", soft_wrap=True)


def serve(
    table: Annotated[Path, typer.Argument(help="The table of inputs and outputs: interface.json of `container`.")],
    model: ModelOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all of this machine.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="The port; else the table's. 0 for any that is free.")] = None,
    inputs: Annotated[Path | None, typer.Option("--input", help="The folder of inputs; else the table's.")] = None,
    outputs: Annotated[Path | None, typer.Option("--output", help="The folder of outputs; else the table's.")] = None,
    max_memory_gb: ScanMemoryOption = None,
) -> None:
    """Segment what lies in a folder whenever a request asks for it, as grand-challenge.org does.

    GET /health answers 200 once the model is loaded. POST /invoke segments and answers 201, or says what is wrong.
    """
    show_start()
    from autoseg.pipeline.faces.model_face import load_model
    from autoseg.pipeline.serving.interface import read_interface
    from autoseg.pipeline.serving.server import Serving, find_model
    from autoseg.pipeline.serving.server import serve as run

    if max_memory_gb is not None and not max_memory_gb > 0:
        raise DataError(f"--max-memory-gb is {max_memory_gb:g}. Expected more than 0.")
    interface = read_interface(table.absolute())
    interface = replace(
        interface,
        port=interface.port if port is None else port,
        input=interface.input if inputs is None else str(inputs.absolute()),
        output=interface.output if outputs is None else str(outputs.absolute()),
        models=interface.models if model is None else (str(model.absolute()),),
    )
    place = find_model(interface)
    loading = Serving(
        interface=interface,
        host=host,
        load=lambda: load_model(place, quality=interface.quality),
        max_memory_gb=max_memory_gb,
    )
    if not run(loading, TerminalProgress()):
        # What does not end in time holds no file but half-written ones, which the next request deletes.
        sys.stdout.flush()
        os._exit(0)


def bids_app(
    bids_dir: Annotated[Path, typer.Argument(help="The root of a BIDS data set.")],
    output_dir: Annotated[
        Path,
        typer.Argument(help="The folder for what is derived: not among the data. Masks go to autoseg in it."),
    ],
    level: Annotated[str, typer.Argument(metavar="participant", help="The level of analysis: participant.")],
    model: ModelOption = None,
    participants: Annotated[
        list[str] | None,
        typer.Option(
            "--participant-label",
            "--participant_label",
            help="Participants to segment, with or without sub-; several may follow. Else all.",
        ),
    ] = None,
    quality: Annotated[str, typer.Option(help="fast, standard or best, as for `predict`.")] = "standard",
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Write probabilities of labels, too.")] = False,
    skip: Annotated[
        bool, typer.Option("--skip-bids-validator", "--skip_bids_validator", help="For programs that give it.")
    ] = False,
    max_memory_gb: ScanMemoryOption = None,
) -> None:
    """Segment a BIDS data set as BIDS apps do: masks are a derivative in OUTPUT_DIR/autoseg."""
    show_start()
    from autoseg.pipeline.faces import model_face
    from autoseg.pipeline.predictions.bids_app import check_level, choose_folder, choose_participants

    del skip  # no validator is run
    check_level(level)
    with showing_what_is_done():
        masks = model_face.predict(
            choose_participants(bids_dir.absolute(), participants or ()),
            choose_folder(output_dir, bids_dir.absolute()),
            model=model,
            quality=quality,
            probabilities=probabilities,
            max_memory_gb=max_memory_gb,
            progress=TerminalProgress(),
        )
    show_masks(masks)
