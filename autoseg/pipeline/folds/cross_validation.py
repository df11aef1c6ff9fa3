"""`train all`: every fold in a process of its own, as many at once as the machine holds, and their summary."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from autoseg import processes
from autoseg.evaluation import CaseScores, Evaluation, summarise, write_evaluation
from autoseg.pipeline.confidence.measuring import measure_if_missing
from autoseg.pipeline.folds.changed_weights import report_changed_weights
from autoseg.pipeline.folds.children import Child, Outcome, Slot, describe_end, run_children
from autoseg.pipeline.folds.job_file import COMMAND, write_job
from autoseg.pipeline.folds.jobs import Job, TrainingOptions, resolve_jobs
from autoseg.pipeline.folds.needs import find_lacking
from autoseg.pipeline.folds.out_of_fold import find_scores
from autoseg.pipeline.folds.reporting import report_folds
from autoseg.pipeline.folds.runs import cases_of, name_folds, read_run, refuse_undivided
from autoseg.pipeline.folds.seen_cases import mark_seen
from autoseg.pipeline.folds.slots import find_slots
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.statistics.case_traits import usual_traits
from autoseg.progress import Progress
from autoseg.training.interruption import listening, stopped_by
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.errors import AutosegError, WorkspaceError
from dataset_fingerprints.names import counted
from planners.editing.overrides import set_values
from planners.plan import Fold, Plan, Splits


def train_all(workspace: Workspace, options: TrainingOptions, progress: Progress) -> Evaluation:
    """Train every fold and summarise them: each case is scored once, by the fold that did not train on it.

    Given again, it goes on with what is missing.

    Raises:
        StoppedError: a signal came; every fold has saved what it had.
        AutosegError: folds failed; the others are finished.
    """
    plan, splits = read_plan(workspace, options.plan_name)
    configuration = find_name(plan, options)
    refuse_undivided(workspace, splits)
    folds = name_folds(splits)
    if options.with_previous:
        train_lacking(workspace, folds, options, progress)
    train_folds(workspace, folds, options, progress)
    named = {fold: workspace.fold(plan.name, configuration, fold) for fold in folds}
    scores = [_read_scores(folder, splits, fold) for fold, folder in named.items()]
    summary = summarise([case for found in scores for case in found], traits=usual_traits(workspace))
    summary = mark_seen(summary, map(read_run, named.values()))
    write_evaluation(workspace.cross_validation(plan.name, configuration), summary, sealed=True)
    report_folds(workspace, plan, splits, (configuration, tuple(named.values())), summary)
    # Pictures come with it, which a single fold's process has no need to load at its start.
    from autoseg.pipeline.lesion_classes.learning import learn_if_planned
    from autoseg.pipeline.selection.selecting import select_if_possible

    select_if_possible(workspace, plan.name, progress)
    measure_if_missing(workspace, plan.name, configuration, progress, _find_minutes(named.values()))
    learn_if_planned(workspace, plan.name, progress)
    return summary


def _find_minutes(folders: Iterable[FoldFolder]) -> float | None:
    """Return the least time that a fold was given; None where none was limited."""
    records = filter(None, map(read_record, folders))
    return min((record.max_minutes for record in records if record.max_minutes is not None), default=None)


def _read_scores(folder: FoldFolder, splits: Splits, fold: str) -> tuple[CaseScores, ...]:
    """Return the scores of a fold, and make sure that they are of the cases that the splits leave to it.

    Raises:
        WorkspaceError: the fold is of other cases, or not validated, for somebody changed it meanwhile.
    """
    run = read_run(folder)
    cases = cases_of(splits, fold, None if run is None else run.own())
    scores = find_scores(folder, cases.validation)
    begun = None if run is None else Fold(train=run.train_cases, validation=run.validation_cases)
    if scores is None or begun != cases:
        raise WorkspaceError(
            f"{folder.root}: this fold is not trained and validated on the cases that are left to it "
            f"({splits.origin}), so that no summary was made. Give `autoseg train all` again."
        )
    return scores


def train_lacking(workspace: Workspace, folds: Sequence[str], options: TrainingOptions, progress: Progress) -> None:
    """Train and validate the folds of other configurations that are missing for some folds of one."""
    plan, splits = read_plan(workspace, options.plan_name)
    name = find_name(plan, options)
    for other, lacking in find_lacking(workspace, plan, splits, name, folds).items():
        train_folds(workspace, lacking, leave_to_previous(options, other), progress)


def find_name(plan: Plan, options: TrainingOptions) -> str:
    """Return the name of the configuration that is trained: the one that is asked for, or the default with `--set`."""
    return options.configuration or set_values(plan, options.assignments).default_configuration


def leave_to_previous(options: TrainingOptions, configuration: str) -> TrainingOptions:
    """Return what is asked of a configuration that another one needs: only that one starts anew, or from a model."""
    return replace(options, configuration=configuration, restart=False, from_model=None, allow_seen=False)


def train_folds(workspace: Workspace, folds: Sequence[str], options: TrainingOptions, progress: Progress) -> None:
    """Train those of the folds that are not finished, each in a process of its own.

    Raises:
        StoppedError: a signal came; every fold has saved what it had.
        AutosegError: folds failed, or cannot be begun; the others are finished.
    """
    if processes.count() > 1:
        raise AutosegError(
            "torchrun trains one fold in several processes, and folds side by side are processes of their own. Give "
            "`autoseg train all` without torchrun, or one fold with it; what it needs of other configurations has to "
            "be trained before."
        )
    jobs = unfinished_jobs(workspace, folds, options, progress)
    if not jobs:
        return
    name = jobs[0].name
    slots = find_slots(jobs, options.folds_at_once)
    what = f"fold {jobs[0].fold}" if len(jobs) == 1 else f"folds {', '.join(job.fold for job in jobs)}"
    progress.say(f"{name}: training {what} of {len(folds)}, {len(slots)} at once; their logs are in their folders.")
    minutes = jobs[0].minutes(read_record(jobs[0].folder))
    if minutes is not None:
        turns = math.ceil(len(jobs) / len(slots))
        progress.say(f"Expected: about {show_duration(60 * minutes * turns)} in all.")
    children = [_make_child(job, options) for job in jobs]
    with listening() as interruption:
        outcomes = run_children(children, slots, progress, interruption)
    if interruption.signal:
        rest = f"; what the folds of {name} had done is saved. Give the same command again{leave_out_restart(options)}"
        raise stopped_by(interruption.signal, workspace.root, f"{rest} to go on.")
    _refuse_failed([outcome for outcome in outcomes if outcome.exit_code], jobs, options)


def unfinished_jobs(
    workspace: Workspace, folds: Sequence[str], options: TrainingOptions, progress: Progress
) -> tuple[Job, ...]:
    """Return what of the folds is to be trained; a finished one is named if weights that it used have changed.

    Raises:
        AutosegError: it cannot be begun.
    """
    unfinished = []
    for job in resolve_jobs(workspace, folds, options):
        if job.is_finished():
            report_changed_weights(job, read_record(job.folder), progress)
        else:
            unfinished.append(job)
    return tuple(unfinished)


def leave_to_fold(options: TrainingOptions) -> TrainingOptions:
    """Return what a fold's own process is to do of what was asked for all folds: it starts no others."""
    return replace(options, with_previous=False, folds_at_once=None)


def leave_out_restart(options: TrainingOptions) -> str:
    """Return what to say of a command that is to be given again to go on: not to begin anew once more."""
    return " without --restart" if options.restart else ""


def _make_child(job: Job, options: TrainingOptions) -> Child:
    def write_command(slot: Slot) -> tuple[str, ...]:
        share = min(slot.memory_share, options.memory_share)
        own = replace(leave_to_fold(options), memory_share=share)
        return (*COMMAND, str(write_job(job.workspace, job.name, job.fold, own)))

    return Child(name=f"fold {job.fold}", command=write_command, log=job.folder.log)


def _refuse_failed(failed: Sequence[Outcome], jobs: Sequence[Job], options: TrainingOptions) -> None:
    if not failed:
        return
    count, name = len(jobs), jobs[0].name
    ends = "\n".join(describe_end(outcome) for outcome in failed)
    others = "The others are finished. " if len(failed) < count else ""
    raise AutosegError(
        f"{len(failed)} of {counted(count, 'fold')} of {name} did not get to their end.\n{ends}\n{others}Fix what "
        f"they say and give the same command again{leave_out_restart(options)}: it goes on with what is missing."
    )
