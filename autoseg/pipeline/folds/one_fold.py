"""`train`: one fold, or one model of all cases, in this process."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace

import torch

from autoseg import processes
from autoseg.evaluation import Evaluation, read_evaluation, summarise, write_evaluation
from autoseg.hardware import autocast_type, choose_device, count_cores, limit_memory, ran_out_of_memory, release_memory
from autoseg.models import read_fold
from autoseg.pipeline.folds.changed_weights import report_changed_weights
from autoseg.pipeline.folds.cross_validation import train_lacking
from autoseg.pipeline.folds.initial_stage import identify_initial, read_initial
from autoseg.pipeline.folds.jobs import Job, TrainingOptions, resolve_job
from autoseg.pipeline.folds.lost_snapshots import describe_lost
from autoseg.pipeline.folds.observing import draw_final, make_observers
from autoseg.pipeline.folds.out_of_fold import find_scores
from autoseg.pipeline.folds.pseudo_labels import make_pseudo_labels
from autoseg.pipeline.folds.raw_files import remark_on_cases
from autoseg.pipeline.folds.reporting import keep_report, leave_report
from autoseg.pipeline.folds.residency import load_cases
from autoseg.pipeline.folds.restarting import finish_restart, naming_restart, remove, restart
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.folds.seen_cases import mark_seen
from autoseg.pipeline.folds.starting import keep_start, read_start
from autoseg.pipeline.folds.validation import TrainingValidator, validate_fold
from autoseg.pipeline.folds.validation_time import ValidationTime
from autoseg.pipeline.statistics.case_traits import usual_traits
from autoseg.prediction import describe_effort, make_members, make_window
from autoseg.progress import Progress, SilentProgress
from autoseg.training.initial import InitialWeights
from autoseg.training.interruption import SignalledError, listening, stopped_by, take_stop_file
from autoseg.training.record import TrainingRecord, read_record
from autoseg.training.setting import Setup
from autoseg.training.trainer import Trainer
from autoseg.workspace.fold import FULL, FoldFolder
from autoseg.workspace.locks import locked, shared
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.errors import AutosegError, FileFormatError, PlanError, StoppedError, WorkspaceError
from dataset_fingerprints.files.atomic import sweep
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.installed import DISTRIBUTION, find_version
from dataset_fingerprints.names import counted

# The planner whose steps get smaller for a short time; others plan what their source says.
_SHORTENS = "default"


def train_fold(
    workspace: Workspace, fold: str, options: TrainingOptions, progress: Progress, *, validated: bool = True
) -> Evaluation | None:
    """Train one fold, or go on with it, and validate it.

    Args:
        workspace: with a plan and preprocessed cases.
        fold: a number, or `full` for one model of all cases.
        options: what a person said.
        progress: receiver of progress reports.
        validated: whether it is validated; False where only its weights are used. It can be validated later.

    Returns:
        The fold's scores; None for `full`, which leaves no case to judge it by, and for one that is not validated.

    Raises:
        AutosegError: something is missing, differs from an earlier start, or another process trains the fold.
    """
    options.check()
    if options.folds_at_once is not None and not options.with_previous:
        raise PlanError(
            f"--jobs says how many folds are trained at once, and fold {fold} is one. Leave it out, or train `all`."
        )
    if options.with_previous:
        train_lacking(workspace, (fold,), options, progress)
    if processes.was_restarted():
        options = replace(options, restart=False)
    with processes.together():
        job = processes.led(lambda: resolve_job(workspace, fold, options, validated=validated))
        if processes.leads():
            with locked(job.folder.root, f"fold {fold}"), _holding_inputs(job), naming_restart(restart=options.restart):
                for remark in remark_on_cases(workspace, job.plan.name, (*job.cases.train, *job.cases.validation)):
                    progress.say(remark)
                _report_start(job, progress)
                return _train_locked(job, progress)
        try:
            return _train_locked(job, SilentProgress())
        except StoppedError as error:  # which the leader reports
            raise SystemExit(error.exit_code) from error


def train_resolved(job: Job, progress: Progress) -> Evaluation | None:
    """Train what is resolved already, or go on with it, and validate it, in this process alone.

    Args:
        job: whose folder need not be that of a fold in the workspace.
        progress: receiver of progress reports.

    Raises:
        AutosegError: it differs from an earlier start, or another process trains it.
    """
    with locked(job.folder.root, job.folder.title()), _holding_inputs(job):
        return _train_locked(job, progress)


def _train_locked(job: Job, progress: Progress) -> Evaluation | None:
    record = processes.led(lambda: _open(job))
    if processes.leads():
        report_changed_weights(job, record, progress)
    if record is None or record.status == "training":
        record = _train_fitting(job, record, progress)
    if not processes.leads():
        return None
    if not job.cases.validation:
        progress.say(_describe_finished(job, record))
        return None
    if not job.validated:
        progress.say(f"Fold {job.fold} of {job.name} is trained. Only its weights are used, so nothing is validated.")
        return None
    if record.status == "finished":
        scores = find_scores(job.folder, job.cases.validation)
        if scores is not None:
            progress.say(_describe_finished(job, record))
            evaluation = mark_seen(summarise(scores, traits=usual_traits(job.workspace)), [read_run(job.folder)])
            evaluation = _keep_metrics(job.folder, evaluation)
            return keep_report(job, evaluation) if job.pictured else evaluation
        progress.say(f"Fold {job.fold} is trained, but not all of its validation is there: validating what is missing.")
    return _validate(job, record, progress)


def _validate(job: Job, record: TrainingRecord, progress: Progress) -> Evaluation:
    """Validate a trained fold, as far as that is not done, and return its scores."""
    with _stopping_at_once(job.folder, "validating"):
        way = record.final_prediction
        members = make_members(read_fold(job.folder), choose_device(), mirror=True, prediction=way)
        lost = describe_lost(job.folder)
        if lost:
            progress.say(lost)
        if way is not None:
            progress.say(f"Validating so that the time is kept: {describe_effort(way)}.")
        traits = usual_traits(job.workspace)
        evaluation = validate_fold(members, job.inputs, job.cases.validation, job.folder, progress, traits)
        if job.pictured:
            draw_final(job.folder, evaluation, job.inputs.scheme)
    _write(job.folder, replace(record, status="finished"))
    return leave_report(job, evaluation) if job.pictured else evaluation


def _describe_finished(job: Job, record: TrainingRecord) -> str:
    """Return that nothing is left to do, with the steps where they are not as many as planned."""
    what = f"Fold {job.fold}" if job.cases.validation else f"The model of all cases of {job.name}"
    planned = job.configuration.training.iterations
    steps = "" if record.iterations == planned else f" It had {record.describe_steps(planned)}."
    return f"{what} is finished.{steps}"


def _report_start(job: Job, progress: Progress) -> None:
    """Say which model a new training starts from, and which cases it has seen."""
    goes_on = not job.restart and (job.folder.checkpoint.is_file() or job.folder.weight_files())
    if job.start is None or goes_on:
        return
    progress.say(f"Starting from {job.start.model.describe()}.")
    # What could be loaded is said when it is.
    for sentence in job.start.model.report[:-1]:
        progress.say(sentence)


def _open(job: Job) -> TrainingRecord | None:
    """Return what an earlier start left; the scores of weights that are about to change are removed."""
    sweep(*job.folder.folders())
    if job.restart:
        # Before anything is removed: the model may be the fold itself.
        keep_start(job.folder, job.start, None, anew=True)
        restart(job.folder, job.make_run(None))
    else:
        finish_restart(job.folder)
    record = read_record(job.folder)
    _refuse_lost_checkpoint(job, record)
    keep_start(job.folder, job.start, record)
    job.claim()
    if record is None or record.status == "training":
        return record
    if job.extends(record):
        # A stop file asked for the end of what has ended.
        for path in (job.folder.validation.root, *job.folder.reports(), job.folder.stop):
            remove(path)
    elif job.folder.weight_files():
        return record
    # Longer, or only as long as it takes to write lost weights again.
    return replace(record, status="training")


def _refuse_lost_checkpoint(job: Job, record: TrainingRecord | None) -> None:
    """Make sure that a training that is to go on can: without its checkpoint it would begin again from nothing."""
    if record is None or record.status == "training" or job.folder.checkpoint.is_file():
        return
    if job.extends(record) or not job.folder.weight_files():
        raise WorkspaceError(
            f"{job.folder.checkpoint}: is missing, so that the training cannot go on from where it was. Put a copy "
            "of it back, or begin the fold anew with --restart."
        )


def _keep_metrics(folder: FoldFolder, evaluation: Evaluation) -> Evaluation:
    """Return an evaluation, written down where its file is lost or holds other figures."""
    with suppress(FileFormatError):
        if read_evaluation(folder.validation.metrics) == evaluation:
            return evaluation
    write_evaluation(folder.validation.metrics, evaluation, sealed=True)
    return evaluation


@contextmanager
def _stopping_at_once(folder: FoldFolder, doing: str) -> Iterator[None]:
    """Let a signal end the block with a message: what it does is done again from the start, or from its last case.

    Raises:
        StoppedError: a signal came.
    """
    with listening() as interruption:
        try:
            with interruption.at_once():
                yield
        except SignalledError as error:
            rest = f" while {doing}; what the fold had done is saved. Give the same command again to go on."
            raise stopped_by(interruption.signal, folder.root, rest) from error


@contextmanager
def _holding_inputs(job: Job) -> Iterator[None]:
    """Keep the arrays, and the folds whose results are used, as they are while the block runs."""
    with ExitStack() as held:
        held.enter_context(shared(job.inputs.store.folder.root, "preprocessing its cases again"))
        for need in job.needs:
            folder = job.workspace.fold(job.plan.name, need.configuration, need.fold)
            held.enter_context(shared(folder.root, f"{folder.title()}, which this fold uses"))
        yield


def _train_fitting(job: Job, earlier: TrainingRecord | None, progress: Progress) -> TrainingRecord:
    """Train; where the device runs out of memory, go on from the last checkpoint a size smaller, and say so."""
    while True:
        try:
            return _train(job, earlier, progress)
        except (RuntimeError, MemoryError) as error:
            if not ran_out_of_memory(error):
                raise
            evidence = (str(error).strip() or type(error).__name__).splitlines()[0]
        # Only behind the except clause, whose error keeps the tensors of the failed step.
        release_memory()
        job = job.step_down(evidence)
        earlier = read_record(job.folder)
        smaller = job.steps[-1].after.describe()
        if processes.count() > 1:
            raise AutosegError(
                f"{job.folder.root}: out of memory in process {processes.number()} ({evidence}). Give the same command "
                f"again: it goes on with {smaller}. With `torchrun --max-restarts 3` it does so by itself."
            )
        progress.say(f"Out of memory ({evidence}). Going on with {smaller}; why is in {job.folder.run}.")


def _train(job: Job, earlier: TrainingRecord | None, progress: Progress) -> TrainingRecord:
    device = choose_device()
    limit_memory(device, job.memory_share)
    minutes = job.minutes(earlier)
    if earlier is None and minutes is not None and job.max_minutes is None:
        progress.say(f"The plan was made for {show_duration(60 * minutes)} per fold, and so long is trained here.")
    patience = job.patience if job.patience is not None else earlier.patience if earlier else 0
    autocast = autocast_type(device) if job.configuration.training.mixed_precision else torch.float32
    record = TrainingRecord(
        status="training",
        fold=job.fold,
        configuration=job.configuration.name,
        train_cases=job.cases.train,
        validation_cases=job.cases.validation,
        iterations=0,
        seconds=0.0,
        max_minutes=minutes,
        planned_iterations=job.configuration.training.iterations,
        patience=patience,
        pseudo_labelled=earlier.pseudo_labelled if earlier else None,
        final_prediction=earlier.final_prediction if earlier else None,
        initial_weights=processes.led(lambda: identify_initial(job, earlier)),
        device=_device_name(device),
        autocast=str(autocast).removeprefix("torch."),
        versions=_versions(),
    )
    _write(job.folder, record)
    # Where several processes train together, the others would wait for one that stops here.
    with _stopping_at_once(job.folder, "loading its cases") if processes.count() == 1 else nullcontext():
        marked = processes.led(lambda: make_pseudo_labels(job, earlier, device, progress))
        cases, residency = load_cases(job, device, progress, marked.cases if marked else ())
    record = replace(record, residency=residency, pseudo_labelled=marked)
    _write(job.folder, record)
    heads = job.inputs.scheme.heads()
    setup = Setup(
        configuration=job.configuration,
        channels=job.plan.input_channels(job.configuration),
        heads=heads,
        cases=cases,
        validation_cases=job.cases.validation,
        validated=job.validated,
        seed=(job.plan.seed, _fold_number(job.fold)),
        max_minutes=minutes,
        planned_minutes=None if job.plan.max_hours is None else 60 * job.plan.max_hours,
        shortens=job.plan.planner == _SHORTENS,
        patience=patience,
        device=device,
        autocast=autocast,
        initial=_find_initial(job),
    )
    window = make_window(job.configuration, heads, device, mirror=False)
    time = ValidationTime(inputs=job.inputs, configuration=job.configuration)
    validator = TrainingValidator(inputs=job.inputs, window=window, time=time)
    observers = make_observers(job.folder) if processes.leads() and job.pictured else ()
    trainer = Trainer(setup, job.folder, validator, progress, observers)
    try:
        position = trainer.run()
    finally:
        for observer in observers:
            observer.close()
    if processes.leads():
        take_stop_file(job.folder.stop)  # one that came too late is not for a longer training
    record = replace(
        record,
        status="trained",
        iterations=position.iteration,
        seconds=round(position.seconds, 1),
        snapshots=max(job.folder.snapshots(), default=0),
    )
    if trainer.tile_seconds:  # else no step was made, for only the weights were lost: the way to predict stays
        way = time.choose_final(job.cases.validation, trainer.tile_seconds, trainer.final_allowed())
        record = replace(record, final_prediction=None if way == job.configuration.prediction else way)
    _write(job.folder, record)
    if processes.leads():
        job.folder.start.unlink(missing_ok=True)
    return record


def _find_initial(job: Job) -> InitialWeights | None:
    """Return the weights that the training starts from: a model's, or those of the same fold of another configuration.

    One that goes on from a checkpoint needs none of a model, which may be gone.
    """
    if job.start is not None:
        if job.folder.checkpoint.is_file():
            return None
        return read_start(job.folder, job.start.model, job.configuration, job.task)
    return read_initial(job)


def _write(folder: FoldFolder, record: TrainingRecord) -> None:
    if processes.leads():
        write_json(folder.record, record)


def _fold_number(fold: str) -> int:
    return 1_000 if fold == FULL else int(fold)


def _device_name(device: torch.device) -> str:
    return (
        torch.cuda.get_device_name(0) if device.type == "cuda" else f"{device.type}, {counted(count_cores(), 'core')}"
    )


def _versions() -> tuple[tuple[str, str], ...]:
    found = ((name, find_version(name)) for name in (DISTRIBUTION, "torch", "numpy"))
    known = ((name, version) for name, version in found if version is not None)
    return (("python", platform.python_version()), *known)
