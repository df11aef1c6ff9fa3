"""`import-atlas`: a release of ATLAS as a data set that every command takes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.results.written import show_written
from autoseg.cli.terminal.display import TerminalProgress, console
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.files.places import shorten_path


def import_atlas(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="The folder of a release, unpacked: R1.1 (INDI), R1.2 (ICPSR), R2.0, R2.1 or R3.0; or one in it.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="A new or empty folder for the data set.")],
    copy: Annotated[bool, typer.Option("--copy", help="Copy the scans; else they are linked.")] = False,
    release: Annotated[
        str,
        typer.Option(
            "--release",
            metavar="NAME",
            help="Which it is, R3.0 for example; else it is told by the names of folders, tables and scans.",
        ),
    ] = "",
) -> None:
    """Import ATLAS: all lesion masks of a session merged; subject, session, site and chronicity in a table.

    The source is only read. Give the same command again to go on with an import that was interrupted.
    """
    from autoseg.pipeline.faces import atlas_face

    partly = None
    try:
        atlas_face.import_atlas(source, out, copy=copy, release=release, progress=TerminalProgress())
    except PartlyDoneError as error:
        partly = error
    show_written(
        (
            ("Cases", out / "cases.tsv"),
            ("Manifest", out / "atlas.json"),
            ("Left out", out / "left_out.tsv"),
        )
    )
    console.print(f"Next: `{shlex.join(('autoseg', 'plan_and_preprocess', shorten_path(out)))}`.", soft_wrap=True)
    if partly is not None:
        raise partly
