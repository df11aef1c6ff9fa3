"""The command `autoseg experiment`, apart from what it runs: `autoseg --help` loads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autoseg.cli.results.written import show_start, show_written
from autoseg.cli.terminal.display import TerminalProgress, console, show_table

app = typer.Typer(help="Published systems as recipes: list, show, run and compare them.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="A recipe; `autoseg experiment list` shows all.")]
ScaleOption = Annotated[
    float | None,
    typer.Option(help="Divide features, patch and batch by this to try a recipe out; else that of its plan, or 1."),
]
UnlabelledOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER|CSV", help="Scans without labels, for recipes that train on them as well."),
]


@app.command("list")
def list_all() -> None:
    """List all recipes: published systems, each a planner of its own."""
    from experiments.recipes import list_recipes

    rows = [(name, recipe.title, recipe.reference()) for name, recipe in list_recipes().items()]
    show_table("Recipes", ("name", "system", "source"), rows)
    console.print("`autoseg experiment show NAME` says where each is from, and in what ours differs.", soft_wrap=True)


@app.command()
def show(
    name: NameArgument,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="Plan for the data set of this workspace.")
    ] = None,
    fingerprint: Annotated[
        str, typer.Option(help="Plan for a published data set, or a fingerprint.json.")
    ] = "atlas_r2_mni",
    gpu_memory_gb: Annotated[
        float | None, typer.Option(help="Of the GPU to plan for; else what the source trained on, or 24.")
    ] = None,
) -> None:
    """Show a recipe: its source, published figures, what is not stated and chosen, deviations, and its plan."""
    from experiments.experiment.showing import describe_recipe

    for section in describe_recipe(name, workspace or Path(fingerprint), gpu_memory_gb):
        if section.rows:
            show_table(section.title, section.columns, section.rows)
        else:
            console.print(f"[bold]{escape(section.title)}[/]", markup=True)
        for line in section.remarks:
            console.print(line, soft_wrap=True, markup=False)
        console.print()


@app.command()
def run(
    name: NameArgument,
    fold: Annotated[str, typer.Argument(help="0 to 4; 'all': one after the other.")],
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="To plan and train in; made if missing.")],
    data: Annotated[Path | None, typer.Option(help="The data set; else that of the workspace.")] = None,
    scale: ScaleOption = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="For each fold, with all trainings that it needs; else the planned steps.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights and batches; another one is another plan.")] = 0,
    configurations: Annotated[
        list[str] | None,
        typer.Option("--configuration", "-c", help="Of its plan, in place of what it predicts with. Repeatable."),
    ] = None,
    unlabelled: UnlabelledOption = None,
    unscored: Annotated[
        bool, typer.Option("--unscored", hidden=True, help="Leave scores to `compare`, which runs this for every fold.")
    ] = False,
    keep_trained: Annotated[
        bool, typer.Option("--keep-trained", hidden=True, help="Make nothing longer that is trained, for `compare`.")
    ] = False,
) -> None:
    """Plan a recipe where it is not planned, and train a fold with all that it needs, or go on with it."""
    from autoseg.hardware import calm_threads
    from experiments.experiment.planning import open_setting
    from experiments.experiment.running import TimeLimit, run_folds
    from experiments.experiment.showing import describe_run

    calm_threads()
    show_start()
    setting = open_setting(workspace, data, scale, seed, unlabelled)
    limit = TimeLimit(minutes=max_minutes, keeps_trained=keep_trained)
    planned, trainings = run_folds(name, fold, setting, limit, TerminalProgress(), configurations or ())
    for line in describe_run(setting.workspace, planned, trainings, scored=not unscored):
        console.print(line, soft_wrap=True, markup=False)


@app.command()
def levels(
    name: NameArgument,
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="That it was trained in.")],
    folds: Annotated[
        list[str] | None, typer.Option("--folds", "-f", help="Repeatable; else all that are trained.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the plan.")] = 0,
) -> None:
    """Score a trained recipe at scan, lesion and voxel level, a row per class, beside the published figures.

    Where the recipe gives lesions classes, each fold's are given by a classifier that knew none of its lesions.
    """
    from autoseg.cli.results.levels import show_levels
    from experiments.experiment.levels import score_levels
    from experiments.experiment.planning import open_setting
    from experiments.experiment.showing import describe_published

    show_start()
    scored = score_levels(name, open_setting(workspace, None, None, seed), tuple(folds or ()), TerminalProgress())
    show_levels(scored.evaluation)
    published = describe_published(scored.recipe)
    show_table(published.title, published.columns, published.rows)
    show_written((("Scores", scored.scores), ("Levels", scored.table)))


@app.command()
def matrix(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Bundles, workspaces, or WORKSPACE/models/PLAN/CONFIGURATION; NAME=PLACE gives a name.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for masks, scores and tables.")],
    data: Annotated[list[str], typer.Option(help="NAME=DATA: a data set with label maps. Repeatable.")],
    by: Annotated[str, typer.Option(help="A column of the tables of cases, such as site: scores are by group.")] = "",
    metrics: Annotated[list[str] | None, typer.Option("--metric", help="Repeatable; else dice and lesion_f1.")] = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Score all labels together as one.")] = False,
) -> None:
    """Score every model on every data set, out of fold where it was trained on it. Goes on after a kill."""
    from autoseg.hardware import calm_threads
    from experiments.experiment.matrix.making import MatrixRequest, make_matrix

    calm_threads()
    show_start()
    request = MatrixRequest(
        models=tuple(models), data=tuple(data), out=out, by=by, metrics=tuple(metrics or ()), foreground=foreground
    )
    outcome = make_matrix(request, TerminalProgress())
    for table in outcome.tables:
        show_table(table.title, table.columns, table.rows)
    for line in outcome.matrix.remarks:
        console.print(line, soft_wrap=True, markup=False)
    show_written(zip(("Markdown", "Means", "Tests"), outcome.written, strict=True))
    outcome.refuse_failures()


@app.command()
def compare(
    names: Annotated[list[str], typer.Argument(help="Recipes; the others are compared with the first.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The workspace to plan, train and compare in.")],
    data: Annotated[Path | None, typer.Option(help="The data set; else that of the workspace.")] = None,
    scale: ScaleOption = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="For each fold of each recipe, with all that it needs; else 10 for what is not trained yet."),
    ] = None,
    folds: Annotated[list[str] | None, typer.Option("--folds", "-f", help="Repeatable; else fold 0.")] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of the first recipe, whose differences are noise.")] = 2,
    unlabelled: UnlabelledOption = None,
) -> None:
    """Train recipes on the same folds in the same time, score them, and show the differences. Goes on after a kill."""
    from experiments.experiment.comparing import Contest, compare_recipes
    from experiments.experiment.planning import open_setting
    from experiments.experiment.table import BRIEF

    show_start()
    setting = open_setting(out, data, scale, unlabelled=unlabelled)
    contest = Contest(names=tuple(names), setting=setting, minutes=minutes, folds=tuple(folds or ("0",)), seeds=seeds)
    outcome = compare_recipes(contest, TerminalProgress())
    show_table(outcome.table.title, *outcome.table.only(BRIEF))
    for line in outcome.table.remarks:
        console.print(line, soft_wrap=True, markup=False)
    show_written(zip(("Markdown", "CSV"), outcome.written, strict=True))
    outcome.refuse_failures()
