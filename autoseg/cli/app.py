"""The command line: options in, one call into the pipeline, results shown.

Imports that cost time stay inside the commands that need them, so that `autoseg --help` answers at once.
"""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from autoseg.cli.commands.atlas import import_atlas
from autoseg.cli.commands.checking import check
from autoseg.cli.commands.classical import baselines
from autoseg.cli.commands.clinical import lesion_load, lesion_map, lesion_table, recovery
from autoseg.cli.commands.combining import combine
from autoseg.cli.commands.deploying import add_deploying
from autoseg.cli.commands.evaluating import evaluate
from autoseg.cli.commands.explaining import explain
from autoseg.cli.commands.importing import import_nnunet
from autoseg.cli.commands.labelling import app as label
from autoseg.cli.commands.lesion_classes import lesion_classes
from autoseg.cli.commands.predicting import export, predict
from autoseg.cli.commands.quality import quality
from autoseg.cli.commands.radiomics import add_radiomics
from autoseg.cli.commands.reporting import report
from autoseg.cli.commands.selecting import select
from autoseg.cli.commands.simulating import demo, simulate
from autoseg.cli.commands.tuning import tune
from autoseg.cli.commands.weak_labels import weak_labels
from autoseg.cli.ending import run_to_end
from autoseg.cli.locales import restart_in_utf8
from autoseg.cli.options.arguments import refuse_empty
from autoseg.cli.options.data_options import (
    ChannelOption,
    DatasetArgument,
    ImagesOption,
    LabelsOption,
    MaskOption,
    choose_place,
)
from autoseg.cli.options.exclusive import refuse_beside, refuse_unused
from autoseg.cli.options.folds import list_folds
from autoseg.cli.options.model_options import PlanOption, WorkspaceOption
from autoseg.cli.options.parsing import AnySpelling, NumberFirst
from autoseg.cli.options.plan_options import PlanHoursOption, PlanMinutesOption, RuleOption, SetOption, as_hours
from autoseg.cli.options.registered import make_program
from autoseg.cli.results.written import show_start, show_written
from autoseg.cli.statistics.agreement import agreement
from autoseg.cli.statistics.compare import compare
from autoseg.cli.statistics.shares import label_shares
from autoseg.cli.terminal.display import TerminalProgress, console, show_scores
from autoseg.cli.terminal.streams import finish_output
from autoseg.cli.versions import show_versions
from autoseg.hardware import share_cores_with_others
from autoseg.pipeline.faces import face
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.places import shorten_path

if TYPE_CHECKING:
    from autoseg.pipeline.folds.jobs import TrainingOptions
    from autoseg.workspace.workspace import Workspace


app = typer.Typer(
    cls=AnySpelling,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Segment biomedical images with a pipeline that configures itself.",
    epilog="The main job: autoseg plan_and_preprocess DATASET; autoseg train 0; autoseg predict SCANS -o MASKS",
)


@app.callback()
def _options_of_all(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=show_versions, help="Show the versions, and do nothing else."
        ),
    ] = False,
) -> None:
    """Take the options that come before a command."""


ConfigurationOption = Annotated[
    str | None, typer.Option("--configuration", "-c", help="One of the plan's, such as 2d; else its default.")
]


@app.command("plan_and_preprocess")
def plan_and_preprocess_command(
    context: typer.Context,
    dataset: DatasetArgument = None,
    images: ImagesOption = None,
    labels: LabelsOption = None,
    channels: ChannelOption = None,
    mask: MaskOption = "",
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="The workspace to create; else ./<name>-autoseg.")
    ] = None,
    gpu_memory_gb: Annotated[
        float | None, typer.Option(help="Plan for a GPU with so many GiB of memory; else for this machine.")
    ] = None,
    configurations: Annotated[
        list[str] | None, typer.Option("--configuration", "-c", help="A configuration to preprocess. Repeatable.")
    ] = None,
    plan_name: Annotated[str, typer.Option("--plan-name", "--plan", help="A name for the plan.")] = "default",
    planner: Annotated[
        str, typer.Option(help="What decides the plan: default, nnunet, nnunet-resenc-l, or a recipe's name.")
    ] = "default",
    splits: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|by-site|by-subject",
            help="Folds of your own: nnU-Net's splits_final.json, or a CSV with the columns Name and Fold; or by-site: "
            "folds that leave whole sites out; or by-subject: those that the default planner makes.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds, weights and batches.")] = 0,
    rules: RuleOption = None,
    max_hours: PlanHoursOption = None,
    max_minutes: PlanMinutesOption = None,
    assignments: SetOption = None,
    like: Annotated[
        Path | None,
        typer.Option(help="Plan like a trained model (model.zip), for `train --from`: its network, patch, voxels."),
    ] = None,
    scale: Annotated[
        float, typer.Option(help="Divide features, patch and batch by this, to try the plan out; 1 is full size.")
    ] = 1.0,
    unlabelled: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER|CSV", help="Scans without labels, for configurations with pseudo-labels."),
    ] = None,
) -> None:
    """Look at a data set, decide everything that has to be decided, and preprocess it."""
    from autoseg.pipeline.plans.first_training import describe_first_training
    from autoseg.pipeline.plans.reading import read_plan

    place, label_maps = choose_place(dataset, images, labels)
    made = face.plan_and_preprocess(
        place,
        labels=label_maps,
        channels=channels or (),
        mask=mask,
        workspace=workspace,
        plan_name=plan_name,
        planner=planner,
        gpu_memory_gb=gpu_memory_gb,
        max_hours=as_hours(context, max_minutes, max_hours),
        configurations=configurations or (),
        splits=splits,
        seed=seed,
        rules=rules or (),
        assignments=assignments or (),
        like=like,
        scale=scale,
        unlabelled=unlabelled,
        progress=TerminalProgress(),
    )
    plan, dealt = read_plan(made, plan_name)
    for configuration in plan.configurations:
        patch = "x".join(str(length) for length in configuration.patch_shape)
        console.print(f"{configuration.name}: patch {patch}, batch {configuration.batch_size}")
    if plan.machine.device == "cpu" and plan.planner == "default":
        console.print(
            "[bold yellow]This is a CPU plan:[/] small and short. Plan again on the machine with the GPU.", markup=True
        )
    show_written((("Findings", made.check), ("Measurements", made.fingerprint), ("Plan", made.plan(plan_name))))
    console.print(f"Workspace: {shorten_path(made.root)}. `autoseg explain` says why.", soft_wrap=True)
    for line in describe_first_training(made, plan, dealt, configurations or ()):
        console.print(line, soft_wrap=True)
    if like is not None:
        console.print(f"Add --from {like} there: its weights are what the training starts from.", soft_wrap=True)


@app.command(cls=NumberFirst)
def train(
    context: typer.Context,
    fold: Annotated[
        str | None, typer.Argument(help="0 to 4; `all` for the five; `full` for one model of all cases.")
    ] = None,
    workspace: WorkspaceOption = None,
    configuration: ConfigurationOption = None,
    max_minutes: Annotated[float | None, typer.Option(help="Time per fold, its validation included.")] = None,
    max_hours: Annotated[float | None, typer.Option(help="The same in hours.")] = None,
    iterations: Annotated[
        int | None, typer.Option(help="Steps instead of the plan's; a larger number extends a finished fold.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="End after so many rounds of validation without a new best.")
    ] = None,
    plan: PlanOption = None,
    with_previous: Annotated[
        bool, typer.Option("--with-previous", help="Also train the folds of other configurations that are missing.")
    ] = False,
    memory_gb: Annotated[
        float | None,
        typer.Option(help="Memory for training cases, in GiB; else all free memory. The rest stays on disk."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", help="Folds at once; else as many as the GPUs hold, or one on a CPU.")
    ] = None,
    memory_share: Annotated[
        float, typer.Option(help="Share of the GPU's memory, for a training that shares it with others.")
    ] = 1.0,
    cluster: Annotated[
        Literal["local", "slurm"], typer.Option(help="For `all`: train on this machine, or submit the folds to Slurm.")
    ] = "local",
    slurm: Annotated[
        list[str] | None, typer.Option("--slurm", help="An option of sbatch, such as time=12:00:00. Repeatable.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin the fold anew: removes its weights and its scores.")
    ] = False,
    from_model: Annotated[
        Path | None,
        typer.Option("--from", help="Start from a trained model: a model.zip, a workspace or the folder of a fold."),
    ] = None,
    allow_seen: Annotated[
        bool,
        typer.Option("--allow-seen", help="Even if it was trained on cases to be judged on: marks every score."),
    ] = False,
    assignments: SetOption = None,
    job: Annotated[
        Path | None,
        typer.Option(
            "--job", hidden=True, help="Read all options from a file that `train all` wrote for another process."
        ),
    ] = None,
) -> None:
    """Train one fold of the cross-validation, or go on with it, and validate it on whole volumes.

    A file called `stop` in the fold's folder ends it early, annealed; SIGTERM and Ctrl-C save it.
    """
    from autoseg.pipeline.folds.job_file import read_job
    from autoseg.pipeline.folds.jobs import TrainingOptions
    from autoseg.pipeline.plans.reading import choose_plan
    from autoseg.workspace.fold import ALL
    from autoseg.workspace.workspace import find_workspace

    if job is not None:
        refuse_beside("job", context)
        found, written = read_job(job)
        # Whoever started this process says what is next.
        _train(found, written.fold, written.options, advised=False)
        return
    if fold is None:
        raise PlanError(f"Name a fold: {list_folds(workspace, plan)}.")
    unused = {} if max_hours is None else {"max_minutes": "is given beside --max-hours: give one of the two"}
    if cluster == "local":
        unused["slurm"] = "is an option of sbatch: give --cluster slurm with it, or leave it out"
    refuse_unused(context, unused)
    minutes = max_minutes if max_hours is None else max_hours * 60
    found, progress = find_workspace(workspace), TerminalProgress()
    options = TrainingOptions(
        plan_name=choose_plan(found, plan, progress),
        configuration=configuration,
        iterations=iterations,
        max_minutes=minutes,
        patience=patience,
        assignments=tuple(assignments or ()),
        with_previous=with_previous,
        memory_gb=memory_gb,
        folds_at_once=jobs,
        memory_share=memory_share,
        restart=restart,
        from_model=None if from_model is None else str(from_model.absolute()),
        allow_seen=allow_seen,
    )
    show_start()
    if cluster == "slurm":
        from autoseg.pipeline.folds.slurm import submit_all

        if fold != ALL:
            raise PlanError("--cluster slurm submits the whole cross-validation: give `autoseg train all` with it.")
        submit_all(found, options, slurm or (), progress)
        return
    _train(found, fold, options)


def _train(found: Workspace, fold: str, options: TrainingOptions, *, advised: bool = True) -> None:
    from autoseg.pipeline.written import advise_after, list_trained, name_labels

    given: dict[str, Any] = {entry.name: getattr(options, entry.name) for entry in fields(options)}
    evaluation = face.train(found, fold, **given, progress=TerminalProgress())
    if evaluation is not None:
        title = "Cross-validation" if fold == "all" else f"Fold {fold}: cases it was not trained on"
        show_scores(title, evaluation, name_labels(found, options))
    show_written(list_trained(found, fold, options))
    for line in advise_after(found, fold, options) if advised else ():
        console.print(line, soft_wrap=True)


app.command(epilog="With --kinds: every kind of finding, its grades and what it means.")(check)
app.command()(explain)
app.command()(select)
app.command()(lesion_classes)
app.command(cls=NumberFirst)(tune)
app.command()(predict)
app.command()(quality)
app.command()(evaluate)
app.command()(baselines)
app.command()(weak_labels)
app.command()(lesion_load)
app.command()(lesion_table)
app.command()(lesion_map)
app.command()(recovery)
app.command()(report)
app.command()(compare)
app.command()(agreement)
app.command()(label_shares)
add_radiomics(app)
app.command()(export)
add_deploying(app)
app.command()(import_nnunet)
app.command()(import_atlas)
app.command()(combine)
app.command()(simulate)
app.command()(demo)
app.add_typer(label, name="label")


def main() -> None:
    """Run the command line; `autoseg.cli.ending` says how it can end."""
    restart_in_utf8()
    share_cores_with_others()
    try:
        run_to_end(_run)
    finally:
        finish_output()


def _run() -> None:
    refuse_empty(sys.argv[1:])
    make_program(app)()
