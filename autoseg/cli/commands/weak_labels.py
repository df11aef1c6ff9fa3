"""The command `weak-labels`: label maps by a classifier of textures that patches have taught."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autoseg.cli.options.data_options import ModelChannelOption, ScansArgument
from autoseg.cli.results.written import show_start, show_written
from autoseg.cli.terminal.display import TerminalProgress, console, show_table
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.files.places import shorten_path
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:
    from autoseg.pipeline.weak_labels.labelling import WeakLabels


def weak_labels(
    patches: Annotated[
        Path,
        typer.Argument(
            help="A table (CSV or TSV) of patches: scan, class, and x, y, z (the voxel of the file in the middle, "
            "from 0 on) or x_mm, y_mm, z_mm; with width and height, x and y are the first corner of a box."
        ),
    ],
    scans: ScansArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the label maps, a data set by itself.")],
    inside: Annotated[
        Path | None, typer.Option(help="Masks of what is labelled, such as lungs; else all that is not background.")
    ] = None,
    patch_scans: Annotated[
        Path | None, typer.Option(help="The scans that the patches lie in, if these are not among SCANS.")
    ] = None,
    size: Annotated[int, typer.Option(help="Edge of the window around a voxel, in voxels of a slice.")] = 30,
    step: Annotated[
        int, typer.Option(help="Every so many voxels of a slice are classified; scores in between are interpolated.")
    ] = 4,
    levels: Annotated[int, typer.Option(help="Grey levels that textures are counted in.")] = 8,
    cost: Annotated[float, typer.Option(help="Penalty of a patch on the wrong side of the border.")] = 10.0,
    normalization: Annotated[
        Literal["none", "white_stripe", "zscore_body"], typer.Option(help="Of the scans' intensities; none suits CT.")
    ] = "none",
    seed: Annotated[int, typer.Option(help="Seed of the parts of the cross-validation.")] = 0,
    channels: ModelChannelOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make label maps anew that are there.")] = False,
) -> None:
    """Label every voxel of scans by its texture, as a support vector machine learnt it from a few patches.

    A start where no label maps are: train on these, then go on with a few that people drew. Given again, it goes on.
    """
    show_start()
    from autoseg.pipeline.faces import weak_labels_face

    try:
        found = weak_labels_face.weak_labels(
            patches,
            scans,
            out,
            inside=inside,
            patch_scans=patch_scans,
            size=size,
            step=step,
            levels=levels,
            cost=cost,
            normalization=normalization,
            seed=seed,
            channels=channels or (),
            overwrite=overwrite,
            progress=TerminalProgress(),
        )
    except PartlyDoneError as error:
        _show(error.result)
        raise
    _show(found)


def _show(found: WeakLabels) -> None:
    from autoseg.pipeline.weak_labels.records import DESCRIPTION, RECORD

    rating, names = found.rating, list(found.values)
    if rating.accuracy is not None:
        rows = [(name, str(found.counts[name]), *map(str, row)) for name, row in zip(names, rating.table, strict=True)]
        where = "patches of other scans" if rating.by_scan else "other patches of the same scan"
        title = f"{rating.accuracy:.1%} are given their class by classifiers of {where}"
        show_table(mark_title(title, found.simulated), ("class", "patches", *names), rows)
    kept = f", {found.kept} of them as they were" if found.kept else ""
    console.print(f"Label maps of {counted(found.scans, 'scan')}{kept}.", soft_wrap=True)
    show_written((("Data set", found.out / DESCRIPTION), ("Accuracy", found.out / RECORD)))
    command = shlex.join(("autoseg", "plan_and_preprocess", shorten_path(found.out)))
    console.print(f"Next: `{command}`; or `autoseg combine` with a data set of better labels.", soft_wrap=True)
