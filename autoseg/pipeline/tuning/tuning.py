"""`tune`: a search for better values of a plan on a fold's own training cases, and the proof on its other cases."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from autoseg import processes
from autoseg.pipeline.folds.jobs import Job, TrainingOptions, resolve_job
from autoseg.pipeline.folds.restarting import naming_restart
from autoseg.pipeline.folds.runs import name_folds, read_contents, refuse_undivided
from autoseg.pipeline.plans.reading import REMEDY as PLAN_REMEDY
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.stopping import StopSignal
from autoseg.pipeline.tuning.division import divide_inner
from autoseg.pipeline.tuning.drawing import refuse_without_optuna
from autoseg.pipeline.tuning.forecast import forecast
from autoseg.pipeline.tuning.going_on import describe_done
from autoseg.pipeline.tuning.opening import open_search
from autoseg.pipeline.tuning.options import TuningOptions
from autoseg.pipeline.tuning.proving import Proof
from autoseg.pipeline.tuning.records import REMEDY, Outcome, TrialRecord, TuningRecord
from autoseg.pipeline.tuning.schedule import FEW_STEPS, divide, fit_proof, refuse_short
from autoseg.pipeline.tuning.searching import Search, find_best, find_space, read_trials
from autoseg.pipeline.tuning.spending import Spent
from autoseg.pipeline.tuning.taking import write_tuned_plan
from autoseg.pipeline.tuning.tidying import remove_weights
from autoseg.pipeline.tuning.trainings import LESS_MEMORY, Bench
from autoseg.pipeline.tuning.writing import write_report
from autoseg.progress import Progress
from autoseg.training.interruption import number_of, stopped_by
from autoseg.workspace.fold import FULL
from autoseg.workspace.links import refuse_links_out
from autoseg.workspace.locks import locked, refuse_locked
from autoseg.workspace.tuning import TuningFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import FileFormatError, PlanError
from dataset_fingerprints.files.jsonfiles import read_json, to_json, write_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.units import find_units
from planners.editing.alternatives import Alternatives, check_open
from planners.order import find_configuration
from planners.plan import Plan, Splits

# Where the workspace, which has to be there, is on a read-only disk or of somebody else.
CANNOT_WRITE = (
    "A search writes into the workspace: get the right to do so, or copy the workspace to another place and give that "
    "with -w."
)


def tune(workspace: Workspace, fold: str, options: TuningOptions, progress: Progress) -> TuningRecord:
    """Search, prove what was found, and write a plan with it where it is proven; or go on with that.

    Args:
        workspace: with a plan and preprocessed cases.
        fold: a number; its training cases are searched on, its validation cases prove the gain.
        options: what a person said.
        progress: receiver of progress reports.

    Raises:
        AutosegError: something is missing, the search was begun with other options or cases, or it would not be honest.
        StoppedError: a signal came; everything is saved.
    """
    options.check()
    if options.restart or not workspace.tunings():
        options.refuse_short()
    refuse_without_optuna()
    if processes.count() > 1:
        raise PlanError(
            "torchrun trains one fold in several processes, and a search trains on one GPU. Give `autoseg tune` "
            "without torchrun; another GPU can search on another fold."
        )
    plan, splits = read_plan(workspace, options.plan_name)
    _check_fold(workspace, splits, fold)
    name = options.configuration or plan.default_configuration
    find_configuration(plan.configurations, name, f"plan {plan.name}")
    what = f"the search on fold {fold}"
    refuse_locked(workspace.tuning(plan.name, name, fold).root, what)
    job = resolve_job(workspace, fold, TrainingOptions(plan_name=plan.name, configuration=options.configuration))
    _refuse_dependent(job)
    folder = workspace.tuning(plan.name, job.name, fold)
    refuse_links_out(workspace.root, (folder.root, folder.trials, folder.proofs))
    units = find_units(read_json(workspace.dataset, Dataset, PLAN_REMEDY).cases)
    space = find_space(job, check_open(options.over))
    if options.restart or not _has_ended(folder):
        refuse_short(options.hours, options.iterations, options.candidates, _count_most(space))
    begun = _begin(plan, job, options, units, space)
    with locked(folder.root, what, CANNOT_WRITE), _naming_restart(folder, options):
        record = open_search(folder, begun, restart=options.restart)
        if record.outcome is None:
            bench = Bench(
                job=job,
                plan=plan,
                inner=record.inner,
                units=units,
                score=record.score,
                spent=Spent(folder.spent),
                progress=progress,
            )
            bench.refuse_leaks()
            progress.say(record.schedule.describe())
            if done := describe_done(folder, record):
                progress.say(done)
            comparisons = 1 + record.earlier + _count_comparisons(workspace, folder, record, units)
            for sentence in forecast(bench, record, comparisons):
                progress.say(sentence)
            record = _run(bench, folder, record, space, splits)
        write_report(folder, record, read_trials(folder))
        if record.outcome is not None:
            remove_weights(folder, record)
    return record


def _run(bench: Bench, folder: TuningFolder, record: TuningRecord, space: Alternatives, splits: Splits) -> TuningRecord:
    """Search and prove, or do what is left of it, and write the outcome down."""
    workspace, plan = bench.job.workspace, bench.plan
    search = Search(bench=bench, folder=folder, schedule=record.schedule, space=space, seed=record.seed)
    trials = search.run()
    # Or a start after a kill would still have time for the search, whose best candidate is being proven.
    bench.spent.write()
    write_report(folder, record, trials)
    best, tried = find_best(trials), sum(bool(trial.results) for trial in trials)
    if best is None or best.number == 0:
        outcome = _end_without_proof(trials, tried)
    else:
        record = _fix_proof(bench, folder, record, trials)
        comparisons = 1 + record.earlier + _count_comparisons(workspace, folder, record, bench.units)
        proof = Proof(bench=bench, folder=folder, schedule=record.schedule, candidates=tried, comparisons=comparisons)
        outcome = proof.run(best, search.plan_of(best))
    if outcome.taken():
        outcome = replace(outcome, plan=write_tuned_plan(workspace, plan, splits, record, outcome))
    record = replace(record, outcome=outcome)
    write_json(folder.record, record)
    bench.spent.write()
    return record


def _end_without_proof(trials: tuple[TrialRecord, ...], tried: int) -> Outcome:
    """Return the outcome of a search in which the plan as it is was best."""
    reason = f"of {counted(tried, 'candidate')} none was better in the search than the plan as it is, so that nothing "
    steps = max((trial.results[-1].iterations for trial in trials if trial.results), default=0)
    few = f"; their longest training had {counted(steps, 'step')}, after which candidates differ by chance"
    few = few if steps < FEW_STEPS else ""
    return Outcome(best=0, reason=f"{reason}was put to the proof and there is no interval{few}")


def _fix_proof(
    bench: Bench, folder: TuningFolder, record: TuningRecord, trials: tuple[TrialRecord, ...]
) -> TuningRecord:
    """Return the record with the length of the proof's trainings, which follows from what is left of the time."""
    schedule = record.schedule
    if schedule.proof is not None or schedule.seconds is None:
        return record
    asked = sum(
        60 * (schedule.rungs[result.rung].length.minutes or 0.0) for trial in trials for result in trial.results[-1:]
    )
    count = max(sum(len(trial.results) for trial in trials), 1)
    spent = bench.spent.seconds()
    apart = max(spent - asked, 0.0) / count
    length = fit_proof(schedule.seconds - spent, apart, schedule.pairs)
    fixed = replace(record, schedule=replace(schedule, proof=length))
    write_json(folder.record, fixed)
    return fixed


def _begin(plan: Plan, job: Job, options: TuningOptions, units: Mapping[str, str], space: Alternatives) -> TuningRecord:
    """Return what a search is begun with today."""
    fingerprint = read_json(job.workspace.fingerprint, DatasetFingerprint, PLAN_REMEDY)
    return TuningRecord(
        plan=plan.name,
        configuration=job.name,
        fold=job.fold,
        values=hashlib.sha256(to_json(plan).encode()).hexdigest(),
        contents=_hash_contents(job),
        hours=options.hours,
        iterations=options.iterations,
        seed=options.seed,
        over=check_open(options.over),
        score=options.score,
        cases=job.cases,
        inner=divide_inner(fingerprint, job.cases, units, options.seed),
        schedule=divide(options.hours, options.iterations, options.candidates, _count_most(space)),
        simulated=plan.simulated,
    )


def _count_most(space: Alternatives) -> int:
    """Return how many candidates there are at most."""
    return math.prod(1 + len(found) for found in space.values())


def _has_ended(folder: TuningFolder) -> bool:
    """Return whether there is a search with an outcome, which is shown again; other files are judged where opened."""
    try:
        return not folder.restart.is_file() and read_json(folder.record, TuningRecord).outcome is not None
    except FileFormatError:
        return False


def _hash_contents(job: Job) -> str:
    """Return a hash of what the raw files of the fold's cases held."""
    contents = read_contents(job.workspace, job.inputs.store, (*job.cases.train, *job.cases.validation))
    return hashlib.sha256("\n".join(" ".join((one.case, *one.sha256)) for one in contents).encode()).hexdigest()


@contextmanager
def _naming_restart(folder: TuningFolder, options: TuningOptions) -> Iterator[None]:
    """Say of a search that a signal stopped how it goes on: not with --restart, which would remove it.

    Raises:
        StoppedError: a signal came.
    """
    with naming_restart(restart=options.restart):
        try:
            yield
        except StopSignal as stop:  # between two trainings, which take signals themselves
            rest = "; what the search had done is saved. Give the same command again to go on."
            raise stopped_by(number_of(stop.exit_code), folder.root, rest) from stop


def _count_comparisons(
    workspace: Workspace, folder: TuningFolder, record: TuningRecord, units: Mapping[str, str]
) -> int:
    """Return how many other searches have compared plans on cases of the same subjects."""
    judged = {units.get(case, case) for case in record.cases.validation}
    count = 0
    for other in workspace.tunings():
        if other.root == folder.root:
            continue
        found = read_json(other.record, TuningRecord, REMEDY)
        if judged & {units.get(case, case) for case in found.cases.validation}:
            count += found.count_comparisons()
    return count


def _check_fold(workspace: Workspace, splits: Splits, fold: str) -> None:
    """Make sure that there are cases to search on, and others to prove a gain on.

    Raises:
        PlanError: there are none.
    """
    if fold == FULL:
        raise PlanError("The model of all cases leaves none to prove a gain on: name a fold, such as 0.")
    refuse_undivided(workspace, splits)
    folds = name_folds(splits)
    if fold not in folds:
        raise PlanError(f"There is no fold '{fold}'. A search is on one fold: give one of {', '.join(folds)}.")


def _refuse_dependent(job: Job) -> None:
    """Make sure that a configuration stands alone: what it uses would have to be trained anew for every candidate."""
    if job.configuration.needs() or job.unlabelled:
        alone = [entry.name for entry in job.plan.configurations if not entry.needs()]
        known = f": {some_of(alone)}" if alone and job.configuration.needs() else ""
        raise PlanError(
            f"{job.name} uses results of other configurations or scans without labels, which would have to be made "
            f"anew for the search. Search on a configuration that stands alone, with -c{known}."
        )
    if job.steps:
        raise PlanError(f"{job.name}: other folds ran out of memory and were made smaller. {LESS_MEMORY}")
