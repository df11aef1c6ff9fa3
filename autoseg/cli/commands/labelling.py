"""`autoseg label`: people and networks label scans in turn."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autoseg.cli.options.data_options import (
    ChannelOption,
    DatasetArgument,
    ImagesOption,
    LabelsOption,
    MaskOption,
    choose_place,
)
from autoseg.cli.options.parsing import AnySpelling
from autoseg.cli.results.written import show_start, show_written
from autoseg.cli.terminal.display import TerminalProgress, console, show_table
from autoseg.pipeline.faces import label_face
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.files.places import shorten_path
from dataset_fingerprints.names import counted, some_of

if TYPE_CHECKING:
    from autoseg.pipeline.labelling.accepting import Acceptance

app = typer.Typer(
    cls=AnySpelling,
    no_args_is_help=True,
    help="Label scans in rounds: a network marks them, people correct it, and it is trained again with their masks.",
    epilog="start, train; then next, correct the masks, accept, train, again and again; table shows all rounds.",
)

LoopOption = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", help="The loop's folder; else this directory or the only *-labelling in it."),
]
OwnPlanOption = Annotated[
    bool | None,
    typer.Option(
        "--own-plan/--like-last",
        help="Plan later rounds by the planner alone, for published systems; or like the last round's model, "
        "which is the default.",
        show_default=False,
    ),
]
PlannerOption = Annotated[str | None, typer.Option(help="What decides the plan; else as in the round before.")]
FoldOption = Annotated[
    str | None,
    typer.Option(help="`full`, one model of all cases; `all`, a cross-validation; or a fold's number. Default: full."),
]
ConfigurationOption = Annotated[
    str | None, typer.Option("--configuration", "-c", help="One of the plan's, such as 2d; else its default.")
]
ScaleOption = Annotated[
    float | None, typer.Option(help="Divide features, patch and batch by this, to try a plan out. Default: 1.")
]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Change a value of the plan. Repeatable.")]
MemoryOption = Annotated[float | None, typer.Option(help="Plan for a GPU with so many GiB; else for this machine.")]
_NAMED = 10


@app.command()
def start(
    dataset: DatasetArgument = None,
    images: ImagesOption = None,
    labels: LabelsOption = None,
    unlabelled: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER|CSV", help="Scans without labels; else the lines of a table DATASET that name no label map."
        ),
    ] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="The loop's folder to create; else ./<name>-labelling.")
    ] = None,
    test: Annotated[
        list[str] | None, typer.Option("--test", help="A labelled case to hold out for good. Repeatable; else drawn.")
    ] = None,
    test_count: Annotated[
        int | None, typer.Option(help="How many labelled cases to draw for that; else a fifth.")
    ] = None,
    blocks: Annotated[
        Path | None, typer.Option(help="For rounds of fixed blocks: a table with the columns case and block.")
    ] = None,
    minutes: Annotated[
        Path | None,
        typer.Option(
            help="What labelling without a network took: a table of case, structure, minutes. May be given later, too."
        ),
    ] = None,
    channels: ChannelOption = None,
    mask: MaskOption = "",
    seed: Annotated[int, typer.Option(help="Seed of what is drawn, and of the trainings.")] = 0,
    planner: PlannerOption = None,
    own_plan: OwnPlanOption = None,
    fold: FoldOption = None,
    configuration: ConfigurationOption = None,
    scale: ScaleOption = None,
    gpu_memory_gb: MemoryOption = None,
    assignments: SetOption = None,
) -> None:
    """Begin a loop: labelled cases, scans to label, and cases that are held out from all of it."""
    place, label_maps = choose_place(dataset, images, labels)
    folder = label_face.label_start(
        place,
        unlabelled=unlabelled,
        labels=label_maps,
        workspace=workspace,
        test=test or (),
        test_count=test_count,
        blocks=blocks,
        minutes=minutes,
        channels=channels or (),
        mask=mask,
        seed=seed,
        planner=planner,
        own_plan=own_plan,
        fold=fold,
        configuration=configuration,
        scale=scale,
        gpu_memory_gb=gpu_memory_gb,
        assignments=assignments or (),
        progress=TerminalProgress(),
    )
    show_written((("Loop", folder.root), ("Cases to train on", folder.round(1).dataset)))
    _show_next(folder.root)


@app.command()
def train(
    workspace: LoopOption = None,
    planner: PlannerOption = None,
    own_plan: OwnPlanOption = None,
    fold: FoldOption = None,
    configuration: ConfigurationOption = None,
    scale: ScaleOption = None,
    gpu_memory_gb: MemoryOption = None,
    iterations: Annotated[int | None, typer.Option(help="Steps instead of the plan's.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Time per fold and configuration.")] = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart",
            help="Begin the last round anew, if no scan was chosen with it yet: removes its weights and its scores.",
        ),
    ] = False,
    allow_seen: Annotated[
        bool,
        typer.Option(
            "--allow-seen",
            help="Start folds also from weights of the round before that know cases to be judged on: marks scores.",
        ),
    ] = False,
    assignments: SetOption = None,
) -> None:
    """Train the next round from the last one's weights, or go on with it, and judge it on the held-out cases.

    What is given holds for later rounds, too, but for --restart.
    """
    show_start()
    label_face.label_train(
        workspace,
        planner=planner,
        own_plan=own_plan,
        fold=fold,
        configuration=configuration,
        scale=scale,
        gpu_memory_gb=gpu_memory_gb,
        iterations=iterations,
        max_minutes=max_minutes,
        restart=restart,
        # What is not given stays as it is.
        allow_seen=allow_seen or None,
        assignments=assignments or (),
        progress=TerminalProgress(),
    )
    status(workspace)


@app.command("next")
def choose_next(
    workspace: LoopOption = None,
    count: Annotated[int | None, typer.Option(help="How many scans; else the next block of the table.")] = None,
    by: Annotated[
        Literal["uncertainty", "random", "order", "block"] | None,
        typer.Option(
            help="uncertainty: those that the model is least sure of and that are unlike each other; random; order: "
            "the first by name; block: the next of the table. Default: uncertainty, or block without --count."
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="A scan to give up, as it cannot be read or labelled: no round chooses it. Repeatable."),
    ] = None,
) -> None:
    """Choose scans to label now, and write the model's masks of them for ITK-SNAP and 3D Slicer."""
    from autoseg.pipeline.labelling.choosing import COLUMNS, describe_choice

    show_start()
    choice = label_face.label_next(workspace, count=count, way=by, without=without or (), progress=TerminalProgress())
    show_table(f"{counted(len(choice.scans), 'scan')} to label, by {choice.way}", COLUMNS, describe_choice(choice))
    status(workspace)


@app.command()
def accept(
    folder: Annotated[
        Path | None,
        typer.Argument(help="With corrected masks, CASE.nii.gz or CASE.seg.nrrd; else the folder that `next` wrote."),
    ] = None,
    workspace: LoopOption = None,
    minutes: Annotated[
        Path | None, typer.Option(help="A table of case, structure, minutes; else minutes.csv beside the masks.")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            help="empty: take in masks without a label; unchanged: those of the model; earlier: those that later ones "
            "have replaced. Repeatable."
        ),
    ] = None,
) -> None:
    """Check corrected masks and take copies of them in; your own files are only read."""
    try:
        result = label_face.label_accept(
            folder, workspace, minutes=minutes, allow=allow or (), progress=TerminalProgress()
        )
    except PartlyDoneError as error:
        _show_acceptance(error.result)
        raise
    _show_acceptance(result)
    status(workspace)


@app.command()
def table(
    workspace: LoopOption = None,
    manual: Annotated[
        Path | None,
        typer.Option(help="Masks of corrected scans that people labelled without a network as well, to compare."),
    ] = None,
) -> None:
    """Show all rounds: held-out Dice, what people changed, their minutes, surfaces, and tests between rounds."""
    from autoseg.pipeline.labelling.tabling import BRIEF, BRIEF_SURFACES, COLUMNS, PAIRS, SURFACES

    made = label_face.label_table(workspace, manual=manual)
    show_table(made.title, BRIEF, _pick(COLUMNS, BRIEF, made.rows))
    surfaces = _pick(SURFACES, BRIEF_SURFACES, made.surfaces)
    show_table("Root mean square distance of surfaces, mm", BRIEF_SURFACES, surfaces)
    if made.pairs:
        show_table("Every two rounds", PAIRS, made.pairs)
    for remark in made.remarks:
        console.print(remark, soft_wrap=True)
    show_written(zip(("Text", "Figures", "Picture"), made.files, strict=True))


@app.command()
def status(workspace: LoopOption = None) -> None:
    """Show where the loop stands, and what is next."""
    from autoseg.pipeline.labelling.status import COLUMNS

    found = label_face.label_status(workspace)
    show_table("Rounds", COLUMNS, found.rows)
    console.print(found.counts, soft_wrap=True)
    console.print(found.following, soft_wrap=True)


def _pick(columns: Sequence[str], wanted: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the wanted columns of rows."""
    return [[row[columns.index(name)] for name in wanted] for row in rows]


def _show_acceptance(result: Acceptance) -> None:
    console.print(f"{counted(len(result.taken), 'mask')} taken in.", soft_wrap=True)
    if result.known:
        console.print(f"Known before, and the same: {some_of(result.known, _NAMED)}.", soft_wrap=True)
    if result.timed:
        console.print(f"Minutes noted of {some_of(result.timed, _NAMED)}.", soft_wrap=True)


def _show_next(root: Path) -> None:
    command = shlex.join(("autoseg", "label", "train", "-w", shorten_path(root)))
    console.print(f"Next: `{command}`.", soft_wrap=True)
