"""The command `check`: findings of a raw data set as a table, as JSON and as pictures."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from autoseg.cli.options.data_options import (
    ChannelOption,
    DatasetArgument,
    ImagesOption,
    LabelsOption,
    MaskOption,
    choose_place,
)
from autoseg.cli.options.exclusive import refuse_unused
from autoseg.cli.results.check_report import show_report
from autoseg.cli.results.written import show_written
from autoseg.cli.terminal.display import TerminalProgress, console, show_table
from dataset_fingerprints.files.places import shorten_path
from dataset_fingerprints.names import counted

# Parameters of checking a data set.
_OF_DATA = ("dataset", "images", "labels", "channels", "mask", "out", "pictures")


def check(
    context: typer.Context,
    dataset: DatasetArgument = None,
    images: ImagesOption = None,
    labels: LabelsOption = None,
    channels: ChannelOption = None,
    mask: MaskOption = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Also write the findings as JSON.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Draw cases whose files lie oddly in space into this folder.")
    ] = None,
    kinds: Annotated[bool, typer.Option("--kinds", help="Only list the kinds of findings and their meaning.")] = False,
) -> None:
    """Check a raw data set and list everything found; exits with 2 if something has to be fixed."""
    from autoseg.pipeline.outputs import refuse_findings_place
    from autoseg.pipeline.plans.inspecting import check_dataset, find_dataset
    from dataset_fingerprints.checking.kinds import KINDS
    from dataset_fingerprints.files.jsonfiles import write_json
    from dataset_fingerprints.layouts import Selection

    if kinds:
        alone = "is about a data set, and --kinds only lists kinds: leave it out"
        refuse_unused(context, dict.fromkeys(_OF_DATA, alone))
        known = [(name, ", ".join(kind.grades), kind.meaning) for name, kind in KINDS.items()]
        show_table("What `autoseg check` can find", ("kind", "grade", "meaning"), known)
        return
    progress = TerminalProgress()
    place, label_maps = choose_place(dataset, images, labels)
    found = find_dataset(place, label_maps, progress, Selection(channels=tuple(channels or ()), mask=mask))
    refuse_findings_place(place, found, out, pictures)
    report = check_dataset(found, progress)
    if out is not None:
        write_json(out, asdict(report))
        show_written((("Findings", out),))
    show_report(report)
    if pictures is not None:
        from autoseg.pipeline.plans.picturing import draw_findings

        drawn = draw_findings(found, report.findings, pictures, progress)
        where = f" in {shorten_path(pictures)}" if drawn else ": nothing that was found is about a place in space"
        console.print(f"{counted(len(drawn), 'picture')}{where}.", soft_wrap=True)
    if any(finding.grade == "error" for finding in report.findings):
        console.print("Next: correct what is listed as error, then check again.", soft_wrap=True)
        raise typer.Exit(2)
    given = _spell(dataset, images, labels, channels or (), mask)
    console.print(f"Next: `autoseg plan_and_preprocess {given}`", soft_wrap=True)


def _spell(dataset: Path | None, images: Path | None, labels: Path | None, channels: Sequence[str], mask: str) -> str:
    """Return the words that named the data set, for the next command."""
    named = [("", dataset), ("--images", images), ("--labels", labels)]
    words = [word for option, path in named if path is not None for word in (option, str(path)) if word]
    words += [word for channel in channels for word in ("--channel", channel)]
    return shlex.join([*words, *(("--mask", mask) if mask else ())])
