"""`tune`: a search for better values of a plan on a fold's own training cases, and the proof on its other cases."""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from autoseg.models.selection import ScoreName
from autoseg.pipeline.folds.jobs import Job, TrainingOptions, resolve_job
from autoseg.pipeline.plans.reading import REMEDY as PLAN_REMEDY
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.tuning.division import divide_inner
from autoseg.pipeline.tuning.drawing import refuse_without_optuna
from autoseg.pipeline.tuning.proving import Proof
from autoseg.pipeline.tuning.records import REMEDY, Candidate, Outcome, TrialRecord, TuningRecord
from autoseg.pipeline.tuning.schedule import divide, fit_proof
from autoseg.pipeline.tuning.searching import Search, find_best, read_trials
from autoseg.pipeline.tuning.spending import Spent
from autoseg.pipeline.tuning.taking import write_tuned_plan
from autoseg.pipeline.tuning.trainings import Bench
from autoseg.pipeline.tuning.writing import write_report
from autoseg.progress import Progress
from autoseg.workspace.fold import FULL
from autoseg.workspace.links import refuse_links_out
from autoseg.workspace.locks import locked
from autoseg.workspace.tuning import TuningFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import FileFormatError, PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, refuse_newer, to_json, write_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.units import find_units
from planners.editing.alternatives import check_open, list_alternatives
from planners.editing.option_checks import MOST_COUNT, MOST_HOURS, check_amount, check_seed
from planners.plan import Plan, Splits

_LEAST_CANDIDATES, _MOST_CANDIDATES = 2, 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class TuningOptions:
    """Options of a search.

    Attributes:
        configuration: None for the plan's default.
        hours: for everything; None where `iterations` says how long trainings are.
        iterations: of the longest trainings, in place of a share of the time.
        candidates: of the first rung, with the plan as it is; None for a number by the time.
        over: what is varied; empty for all that can be.
        seed: of the division and of what is drawn.
        restart: begin anew, and remove what was searched before.
    """

    plan_name: str = "default"
    configuration: str | None = None
    hours: float | None = None
    iterations: int | None = None
    candidates: int | None = None
    over: tuple[str, ...] = ()
    score: ScoreName = "mean"
    seed: int = 0
    restart: bool = False

    def check(self) -> None:
        """Make sure that the options can be meant.

        Raises:
            PlanError: one cannot; the message names it.
        """
        if self.hours is not None:
            check_amount("--hours", self.hours, MOST_HOURS, "more than 0")
        if self.iterations is not None:
            check_amount("--iterations", self.iterations, MOST_COUNT, "1 or more")
        if self.candidates is not None and not _LEAST_CANDIDATES <= self.candidates <= _MOST_CANDIDATES:
            raise PlanError(
                f"--candidates is {self.candidates}. Expected {_LEAST_CANDIDATES} to {_MOST_CANDIDATES}, the plan as "
                "it is among them."
            )
        check_seed("--seed", self.seed)
        check_open(self.over)


def tune(workspace: Workspace, fold: str, options: TuningOptions, progress: Progress) -> TuningRecord:
    """Search, prove what was found, and write a plan with it where it is proven; or go on with that.

    Args:
        workspace: with a plan and preprocessed cases.
        fold: a number; its training cases are searched on, its validation cases prove the gain.
        options: what a person said.
        progress: receiver of progress reports.

    Raises:
        AutosegError: something is missing, the search was begun with other options or cases, or it would not be honest.
    """
    options.check()
    refuse_without_optuna()
    if fold == FULL:
        raise PlanError("The model of all cases leaves none to prove a gain on: name a fold, such as 0.")
    plan, splits = read_plan(workspace, options.plan_name)
    job = resolve_job(workspace, fold, TrainingOptions(plan_name=plan.name, configuration=options.configuration))
    _refuse_dependent(job)
    folder = workspace.tuning(plan.name, job.name, fold)
    refuse_links_out(workspace.root, (folder.root, folder.trials, folder.proofs))
    units = find_units(read_json(workspace.dataset, Dataset, PLAN_REMEDY).cases)
    begun = _begin(workspace, plan, job, options, units)
    with locked(folder.root, f"the search on fold {fold}"):
        record = _open(folder, begun, restart=options.restart)
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
            record = _run(bench, folder, record, splits)
        write_report(folder, record, read_trials(folder))
    return record


def _run(bench: Bench, folder: TuningFolder, record: TuningRecord, splits: Splits) -> TuningRecord:
    """Search and prove, or do what is left of it, and write the outcome down."""
    workspace, plan = bench.job.workspace, bench.plan
    search = Search(bench=bench, folder=folder, schedule=record.schedule, over=record.over, seed=record.seed)
    trials = search.run()
    write_report(folder, record, trials)
    best = find_best(trials)
    outcome = _settle(trials, best)
    if outcome is None and best is not None:
        record = _fix_proof(bench, folder, record, trials)
        tried = sum(bool(trial.results) for trial in trials)
        comparisons = 1 + record.earlier + _count_comparisons(workspace, folder, record, bench.units)
        proof = Proof(bench=bench, folder=folder, schedule=record.schedule, candidates=tried, comparisons=comparisons)
        outcome = proof.run(best, search.plan_of(best))
    assert outcome is not None
    if outcome.taken():
        outcome = replace(outcome, plan=write_tuned_plan(workspace, plan, splits, record, outcome))
    record = replace(record, outcome=outcome)
    write_json(folder.record, record)
    bench.spent.write()
    return record


def _settle(trials: tuple[TrialRecord, ...], best: Candidate | None) -> Outcome | None:
    """Return the outcome of a search that leaves nothing to prove; None of one that does."""
    scored = sum(bool(trial.results) for trial in trials)
    if best is None or best.number == 0:
        reason = f"of {scored} candidates none was better in the search than the plan as it is, so that nothing was "
        return Outcome(best=0, reason=f"{reason}put to the proof and there is no interval")
    return None


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


def _begin(
    workspace: Workspace, plan: Plan, job: Job, options: TuningOptions, units: Mapping[str, str]
) -> TuningRecord:
    """Return what a search is begun with today."""
    fingerprint = read_json(workspace.fingerprint, DatasetFingerprint, PLAN_REMEDY)
    over = check_open(options.over)
    most = math.prod(1 + len(found) for found in list_alternatives(job.configuration, over).values())
    return TuningRecord(
        plan=plan.name,
        configuration=job.name,
        fold=job.fold,
        values=hashlib.sha256(to_json(plan).encode()).hexdigest(),
        hours=options.hours,
        iterations=options.iterations,
        seed=options.seed,
        over=over,
        score=options.score,
        cases=job.cases,
        inner=divide_inner(fingerprint, job.cases, units, options.seed),
        schedule=divide(options.hours, options.iterations, options.candidates, most),
        simulated=plan.simulated,
    )


def _open(folder: TuningFolder, begun: TuningRecord, *, restart: bool) -> TuningRecord:
    """Return the record of an earlier start with the same options and cases, or the new one, written down.

    Raises:
        WorkspaceError: the earlier start was with others.
    """
    refuse_newer(folder.record, TuningRecord)
    if folder.record.is_file():
        earlier = read_json(folder.record, TuningRecord, REMEDY)
        if not restart:
            for difference in _find_differences(earlier, begun):
                raise WorkspaceError(
                    f"{folder.record}: {difference}. Give the same options to go on, or begin anew with --restart."
                )
            return earlier
        compared = earlier.outcome is not None and earlier.outcome.trial is not None
        begun = replace(begun, earlier=earlier.earlier + compared)
    elif folder.trials.exists() and not restart:
        raise FileFormatError(f"{folder.record}: is missing, though trials are there. {REMEDY}")
    for path in (folder.trials, folder.proofs):
        shutil.rmtree(path, ignore_errors=True)
    folder.spent.unlink(missing_ok=True)
    write_json(folder.record, begun)
    return begun


def _find_differences(earlier: TuningRecord, now: TuningRecord) -> Iterator[str]:
    """Yield in what two starts of a search differ, in words."""
    if earlier.cases != now.cases:
        yield "the search was begun with other cases of the fold than the plan gives it now"
    if earlier.inner != now.inner:
        yield "the search's cases are divided otherwise than its seed divides them"
    if earlier.values != now.values:
        yield f"plan {now.plan} has other values than when the search was begun"
    schedules = (replace(one.schedule, proof=None) for one in (earlier, now))
    for name, before, today in (
        *((name, getattr(earlier, name), getattr(now, name)) for name in ("hours", "iterations", "seed", "score")),
        ("over", ",".join(earlier.over), ",".join(now.over)),
        ("candidates", *(schedule.rungs[0].candidates for schedule in schedules)),
    ):
        if before != today:
            yield f"the search was begun with {name} {before}, now it is {today}"


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
            count += found.earlier + (found.outcome is not None and found.outcome.trial is not None)
    return count


def _refuse_dependent(job: Job) -> None:
    """Make sure that a configuration stands alone: what it uses would have to be trained anew for every candidate."""
    if job.configuration.needs() or job.unlabelled:
        raise PlanError(
            f"{job.name} uses results of other configurations or scans without labels, which would have to be made "
            "anew for the search. Search on a configuration that stands alone, with -c."
        )
    if job.steps:
        raise PlanError(
            f"{job.name}: other folds ran out of memory and were made smaller. Plan again with less memory to fill "
            "(plan_and_preprocess --gpu-memory-gb NUMBER --plan-name NEW), then search."
        )
