"""The command `baselines`: masks by classical methods, to be scored beside those of a model."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoseg.cli.options.data_options import ModelChannelOption, ScansArgument
from autoseg.cli.results.written import show_written
from autoseg.cli.terminal.display import TerminalProgress, console
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.files.places import shorten_path
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:
    from autoseg.pipeline.baselines import BaselineMasks


def baselines(
    scans: ScansArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for a folder of masks per method.")],
    methods: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            "-m",
            help="threshold (sigmas), kmeans (clusters), region_growing (sigmas, rounds, radius) or graph_cut "
            "(smoothness, edge_sigmas, one_sided), with options as threshold:sigmas=3. Repeatable; else all.",
        ),
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option("--seed", help="Of a single scan, a place in mm that region growing begins from: 30,-20,12."),
    ] = None,
    channels: ModelChannelOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace masks that are there.")] = False,
) -> None:
    """Segment skull-stripped T1w scans by classical methods, without training: what a model must beat.

    Thresholding, K-means clustering, region growing from seeds, and a graph cut of foreground and background. Score the
    folders with `autoseg evaluate`, as the masks of a model.
    """
    from autoseg.pipeline.faces import clinical_face

    places = [_read_seed(seed) for seed in seeds or ()]
    try:
        masks = clinical_face.baselines(
            scans,
            out,
            methods=methods or (),
            seeds_mm=places,
            channels=channels or (),
            overwrite=overwrite,
            progress=TerminalProgress(),
        )
    except PartlyDoneError as error:
        _show(error.result)
        raise
    _show(masks)


def _read_seed(text: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise DataError(f"--seed {text}: is no place. Expected three numbers in mm: 30,-20,12.") from None


def _show(masks: BaselineMasks) -> None:
    for warning in masks.warnings:
        console.print(warning, soft_wrap=True)
    kept = f"; {counted(masks.kept, 'mask')} stayed (--overwrite replaces them)" if masks.kept else ""
    said = f"Masks of {counted(masks.scans, 'scan')} by {counted(len(masks.folders), 'method')}{kept}."
    console.print(mark_title(said, masks.simulated), soft_wrap=True)
    show_written(masks.folders.items())
    folder = next(iter(masks.folders.values()))
    command = shlex.join(("autoseg", "evaluate", shorten_path(folder), "REFERENCES", "-o", f"{folder.name}.json"))
    console.print(f"Next: `{command}`.", soft_wrap=True)
