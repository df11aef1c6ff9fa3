"""`combine`: several data sets as one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from autoseg.cli.results.written import show_written
from autoseg.cli.terminal.display import TerminalProgress, console
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import shorten_path


def combine(
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=DATA...", help="Names of data sets, with where they lie, in any layout that training takes."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="A new or empty folder, or an earlier one, made anew.")],
    channels: Annotated[
        list[str] | None,
        typer.Option("--channel", help="A channel to take: FLAIR. Repeatable; else all, which each must have."),
    ] = None,
    labels: Annotated[
        Literal["same", "union", "own"],
        typer.Option(help="same: by their names, which all share; union: all are one; own: each task has one."),
    ] = "same",
    meanings: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="NAME:LABEL=NEW",
            help="What a label becomes: wmh:2=background, wmh:2=ignore or wmh:1=WMH. Repeatable.",
        ),
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option("--task", metavar="NAME=TASK", help="The task of a data set's cases; else its name. Repeatable."),
    ] = None,
    masks: Annotated[
        list[str] | None,
        typer.Option("--mask", metavar="NAME=KIND", help="Of a tree, the label maps that are meant. Repeatable."),
    ] = None,
    same_subjects: Annotated[
        bool,
        typer.Option(
            "--same-subjects", help="Subjects called alike are one person: readers of the same scans, for example."
        ),
    ] = False,
) -> None:
    """Make one data set of several: every case with its task, labels with shared meanings, no voxel copied.

    The folder refers to the data sets' files. Give the same command again when these have changed.
    """
    from autoseg.pipeline.faces import combine_face

    combine_face.combine(
        _split(data, "NAME=DATA, such as ms=/data/MSSEG"),
        out,
        channels=channels or (),
        labels=labels,
        meanings=_split(meanings or (), "NAME:LABEL=NEW, such as --map wmh:2=background", ":"),
        tasks=_split(tasks or (), "NAME=TASK, such as --task msseg=MS"),
        masks=_split(masks or (), "NAME=KIND, such as --mask ms=label-L"),
        same_subjects=same_subjects,
        progress=TerminalProgress(),
    )
    show_written((("Data set", out / "dataset.json"), ("Cases", out / "cases.tsv")))
    console.print(f"Next: `{shlex.join(('autoseg', 'check', shorten_path(out)))}`.", soft_wrap=True)


def _split(texts: Sequence[str], expected: str, inside: str = "") -> dict[str, str]:
    """Return names with their values.

    Raises:
        DataError: a text is no such pair, or names something twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value) or inside not in name:
            raise DataError(f"the command line: gives '{text}'. Expected {expected}.")
        if name in pairs:
            raise DataError(f"the command line: gives {name} twice. Name each once.")
        pairs[name] = value
    return pairs
