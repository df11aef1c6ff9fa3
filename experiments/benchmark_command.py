"""The command `autoseg benchmark`, apart from what it runs: `autoseg --help` loads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoseg.cli.results.written import show_written
from autoseg.cli.terminal.display import console, show_table

if TYPE_CHECKING:
    from experiments.benchmark.sections import Section

app = typer.Typer(help="Put our results beside published ones.")


@app.command()
def benchmark(
    results: Annotated[
        list[Path] | None,
        typer.Argument(help="Files that `autoseg evaluate` wrote; else the cross-validation of the workspace."),
    ] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="The workspace.")] = None,
    plan: Annotated[str | None, typer.Option(help="Of the workspace; else `default`, or the only one.")] = None,
    release: Annotated[
        str, typer.Option(help="Of ATLAS: R1.x, R2.0, R2.1, R3.0; else what the data set says of itself.")
    ] = "",
    chosen_set: Annotated[
        str, typer.Option("--set", help="How the scored scans were chosen: cross-validation, 'public test', hold-out.")
    ] = "",
    space: Annotated[str, typer.Option(help="Of the scored masks: MNI or native; else that of the release.")] = "",
    label: Annotated[str, typer.Option(help="The label that is compared, where several were scored.")] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Name of the files, without ending; else `benchmark` in the workspace, or here."
        ),
    ] = None,
) -> None:
    """Put our results beside every published one of the same release and protocol, and say what is not comparable."""
    from experiments.benchmark import Sought, choose_stem, find_benchmark, make_sections, write_benchmark

    sought = Sought(plan=plan, release=release, set=chosen_set, space=space, label=label)
    stem = choose_stem(tuple(results or ()), workspace, out)
    found = find_benchmark(tuple(results or ()), workspace, sought)
    written = write_benchmark(stem, found)
    for section in make_sections(found):
        _show(section)
    show_written(zip(("Markdown", "CSV", "HTML"), written, strict=True))


def _show(section: Section) -> None:
    """Show a table as far as a terminal has room for it, and what is to be said of it."""
    if section.brief:
        shown = [section.columns.index(column) for column in section.brief]
        show_table(section.title, section.brief, [[row[number] for number in shown] for row in section.rows])
    else:
        console.print(f"{section.title}:", markup=False)
    for remark in section.remarks:
        console.print(remark, soft_wrap=True, markup=False)
    console.print()
