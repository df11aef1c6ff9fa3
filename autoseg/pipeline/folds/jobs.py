"""One fold to train, everything about it resolved, and its cases."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.pipeline.folds.measured import read_measured
from autoseg.pipeline.folds.needs import Need, find_needs, refuse_lacking, refuse_others_cases
from autoseg.pipeline.folds.out_of_fold import find_scores, refuse_link
from autoseg.pipeline.folds.raw_files import refuse_changed_files, refuse_missing_arrays
from autoseg.pipeline.folds.runs import (
    cases_of,
    keep_extension,
    read_contents,
    read_run,
    read_unlabelled_contents,
    refuse_lost_run,
    refuse_other_run,
)
from autoseg.pipeline.folds.stage_inputs import StageInput, find_input
from autoseg.pipeline.folds.starting import Asked, Start, find_start, join_seen
from autoseg.pipeline.plans.reading import read_plan
from autoseg.training.record import TrainingRecord, read_record
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import write_json
from planners.editing.option_checks import MOST_COUNT, MOST_HOURS, show_value
from planners.editing.overrides import set_values
from planners.editing.step_down import repeat_steps, step_down
from planners.order import find_configuration
from planners.plan import Configuration, Fold, Plan, Splits
from planners.run import Run, describe_task, make_run
from planners.splits import check_folds
from planners.start import NOTHING_SEEN, SeenBefore, Task
from planners.step_sizes import StepDown


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingOptions:
    """The options of a training; everything has a default.

    Attributes:
        configuration: None for the plan's default.
        iterations: in place of the plan's; more than a fold was asked for before extend it.
        max_minutes: per fold, for training and all validation; None for an earlier start's, or the time that the plan
            was made for, or else the plan's iterations.
        patience: rounds of validation without a new best after which a fold ends; None for an earlier start's, or none.
        assignments: `--set` values.
        with_previous: also train the folds of other configurations that are missing.
        memory_gb: memory for training cases, in GiB; None for what is free.
        folds_at_once: where several folds are trained; None for as many as the GPUs hold, or one on a CPU.
        memory_share: of a GPU's memory, for a training that shares it with others.
        restart: begin the fold anew, and remove what was trained before.
        from_model: path of a trained model to start from: a bundle, a workspace or a fold; None for random weights, or
            those that an earlier start began with.
        allow_seen: also start from a model that was trained on cases that the fold is judged on.
    """

    plan_name: str = "default"
    configuration: str | None = None
    iterations: int | None = None
    max_minutes: float | None = None
    patience: int | None = None
    assignments: tuple[str, ...] = ()
    with_previous: bool = False
    memory_gb: float | None = None
    folds_at_once: int | None = None
    memory_share: float = 1.0
    restart: bool = False
    from_model: str | None = None
    allow_seen: bool = False

    def check(self) -> None:
        """Make sure that the numbers can be meant.

        Raises:
            PlanError: one cannot; the message names it.
        """
        if self.max_minutes is not None and not 0 < self.max_minutes <= 60 * MOST_HOURS:
            expected = f"more than 0, and at most {60 * MOST_HOURS:g}"
            raise PlanError(f"The time to train for is {self.max_minutes:g} minutes. Expected {expected}.")
        counts = (("--iterations", self.iterations, ""), ("--jobs", self.folds_at_once, " folds at once"))
        for name, count, of_what in (*counts, ("--patience", self.patience, " rounds of validation")):
            if count is not None and count < 1:
                raise PlanError(f"{name} is {count}. Expected 1 or more{of_what}.")
            if count is not None and count > MOST_COUNT:
                raise PlanError(f"{name} is {show_value(count)}. Expected at most {MOST_COUNT}{of_what}.")
        if self.memory_gb is not None and not 0 <= self.memory_gb < math.inf:
            raise PlanError(f"--memory-gb is {self.memory_gb:g}. Expected 0 or more.")
        if not 0 < self.memory_share <= 1:
            raise PlanError(f"--memory-share is {self.memory_share:g}. Expected more than 0 and at most 1.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One fold to train: everything resolved.

    Attributes:
        plan: all values, as they were changed for this training.
        name: of the configuration that is trained.
        steps: down in size that the fold took.
        iterations_asked: whether a number of steps was asked for, which then holds in place of any time.
        memory_gb: memory for training cases, in GiB; None for what is free.
        restart: whether what was trained before is to be removed.
        needs: the folds of other configurations that this one uses.
        start: the model that the training starts from, or None.
        seen: cases that models were trained on from which this training, or one that it uses, started.
        unlabelled: scans without labels that it is trained on by pseudo-labels.
        pictured: whether it leaves pictures and tables for people.
        validated: whether its validation cases are predicted and scored at the end; else only its weights are used.
    """

    workspace: Workspace
    plan: Plan
    name: str
    steps: tuple[StepDown, ...]
    fold: str
    cases: Fold
    inputs: StageInput
    folder: FoldFolder
    max_minutes: float | None
    iterations_asked: bool
    patience: int | None
    memory_gb: float | None
    memory_share: float
    restart: bool = False
    needs: tuple[Need, ...] = ()
    start: Start | None = None
    seen: SeenBefore = NOTHING_SEEN
    unlabelled: tuple[str, ...] = ()
    pictured: bool = True
    validated: bool = True

    @property
    def configuration(self) -> Configuration:
        """Configuration that is trained."""
        return find_configuration(self.plan.configurations, self.name, f"plan {self.plan.name}")

    @property
    def task(self) -> Task:
        """Inputs and outputs of the network that is trained."""
        plan = self.plan
        return describe_task(plan.channels, plan.scheme, self.configuration, plan.configurations)

    def claim(self) -> None:
        """Write what the fold is begun with, or make sure that it is what an earlier start began with.

        More iterations than it was begun with only extend it: the larger number takes the place.

        Raises:
            WorkspaceError: the fold was begun with another plan or other cases; the message names the first difference.
        """
        begun = read_run(self.folder)
        if begun is None:
            refuse_lost_run(self.folder)
        write_json(self.folder.run, self._check_run(begun))

    def step_down(self, evidence: str) -> Job:
        """Return the job one size smaller, and let the fold's folder say so.

        Raises:
            PlanError: there is nothing smaller.
        """
        configuration, step = step_down(self.configuration, evidence, self.plan.memory_gb)
        smaller = replace(self, plan=_put(self.plan, configuration), steps=(*self.steps, step))
        begun = read_run(self.folder)
        run = smaller.make_run(begun)
        if begun is not None:
            split = len(begun.train_cases)
            run = run.of_cases(begun.contents[:split], begun.contents[split:])
        write_json(self.folder.run, run)
        return smaller

    def is_finished(self) -> bool:
        """Return whether the fold is trained, its weights are validated, and it is asked for no more.

        Raises:
            WorkspaceError: it was begun with another plan or other cases.
        """
        if self.restart or self.folder.restart.is_file():
            return False
        begun = read_run(self.folder)
        if begun is None:
            return False
        self._check_run(begun)
        return self.needs_no_arrays()

    def needs_no_arrays(self) -> bool:
        """Return whether all that is asked for is there, as far as the fold's own files say: no case is read again."""
        if (
            self.restart
            or self.folder.restart.is_file()
            or not (self.folder.run.is_file() and self.folder.weight_files())
        ):
            return False
        record = read_record(self.folder)
        # A model of all cases, or one of which only the weights are used, has nothing to validate, and stays trained.
        judged = self.cases.validation if self.validated else ()
        ended = ("finished",) if judged else ("trained", "finished")
        if record is None or record.status not in ended or self.extends(record):
            return False
        return find_scores(self.folder, judged) is not None

    def extends(self, record: TrainingRecord) -> bool:
        """Return whether a trained fold is asked for more steps, or more time, than it has had."""
        if self.max_minutes is not None:
            return self.max_minutes > max(record.max_minutes or 0.0, record.seconds / 60)
        if record.max_minutes is not None:
            return self.iterations_asked and self.configuration.training.iterations > record.iterations
        return self.configuration.training.iterations > record.planned_iterations

    def minutes(self, earlier: TrainingRecord | None) -> float | None:
        """Return the time that the fold is to take; None where it makes its number of steps, however long they take.

        Args:
            earlier: of a start before this one, whose time holds where none is asked for.
        """
        if self.max_minutes is not None or self.iterations_asked:
            return self.max_minutes
        if earlier is not None:
            return earlier.max_minutes
        return None if self.plan.max_hours is None else 60 * self.plan.max_hours

    def make_run(self, begun: Run | None) -> Run:
        """Return what the fold holds with today's plan and arrays; one that was begun keeps what its data set was.

        Args:
            begun: what an earlier start began with, or None.
        """
        train, validation = (
            read_contents(self.workspace, self.inputs.store, cases)
            for cases in (self.cases.train, self.cases.validation)
        )
        summary = read_measured(self.workspace).summary if begun is None else begun.summary
        run = make_run(self.plan, self.name, self.fold, train, validation, summary)
        unlabelled = read_unlabelled_contents(self.workspace, self.inputs.store, self.unlabelled)
        start = self.start.model if self.start else None
        return replace(run, steps=self.steps, start=start, seen=self.seen, unlabelled=unlabelled)

    def _check_run(self, begun: Run | None) -> Run:
        run = self.make_run(begun)
        if begun is not None:
            refuse_other_run(self.folder, begun, run)
        return run


@dataclass(frozen=True, kw_only=True, slots=True)
class _Common:
    """Everything that the jobs of a configuration's folds have in common.

    Attributes:
        plan: as it was changed for the trainings.
        planned_iterations: of the configuration, before it was changed.
        validated: as of a job.
    """

    workspace: Workspace
    options: TrainingOptions
    plan: Plan
    splits: Splits
    configuration: Configuration
    planned_iterations: int
    inputs: StageInput
    validated: bool


def resolve_job(workspace: Workspace, fold: str, options: TrainingOptions, *, validated: bool = True) -> Job:
    """Find everything that a fold's training needs; see `resolve_jobs`."""
    (job,) = resolve_jobs(workspace, (fold,), options, validated=validated)
    return job


def resolve_jobs(
    workspace: Workspace, folds: Sequence[str], options: TrainingOptions, *, validated: bool = True
) -> Iterator[Job]:
    """Find everything that the trainings of some folds of a configuration need; what they have in common is read once.

    Where another fold of the configuration had to be made smaller to fit the memory, a new one starts as small; once
    begun, it keeps its size. Without `validated`, for only its weights are used, a fold is finished once it is trained.

    Raises:
        AutosegError: something is missing, or an option names what does not exist.
    """
    options.check()
    plan, splits = read_plan(workspace, options.plan_name)
    check_folds(workspace.splits(options.plan_name), splits.folds)
    steps = () if options.iterations is None else (f"training.iterations={options.iterations}",)
    changed = set_values(plan, (*options.assignments, *steps))
    name = options.configuration or changed.default_configuration
    configuration = find_configuration(changed.configurations, name, f"plan {plan.name}")
    common = _Common(
        workspace=workspace,
        options=options,
        plan=changed,
        splits=splits,
        configuration=configuration,
        planned_iterations=find_configuration(plan.configurations, name, f"plan {plan.name}").training.iterations,
        inputs=find_input(workspace, changed, splits, configuration),
        validated=validated,
    )
    for fold in folds:
        yield _resolve(common, fold)


def _resolve(common: _Common, fold: str) -> Job:
    workspace, plan, splits, options = common.workspace, common.plan, common.splits, common.options
    configuration = common.configuration
    cases = cases_of(splits, fold, configuration)
    folder = workspace.fold(plan.name, configuration.name, fold)
    workspace.refuse_links_of_training(folder)
    own = None if options.restart else read_run(folder)
    others = (other for other in workspace.folds(plan.name, configuration.name) if other != folder)
    begun = [own] if own is not None else [run for run in map(read_run, others) if run is not None]
    changed = configuration.training.iterations != common.planned_iterations
    if own is not None and not changed:
        configuration = keep_extension(configuration, own.own())
    most = max((run.steps for run in begun), key=len, default=())
    configuration, taken = repeat_steps(configuration, most, plan.memory_gb)
    job = Job(
        workspace=workspace,
        plan=_put(plan, configuration),
        name=configuration.name,
        steps=taken,
        fold=fold,
        cases=cases,
        inputs=common.inputs,
        folder=folder,
        max_minutes=options.max_minutes,
        iterations_asked=changed or options.iterations is not None,
        patience=options.patience,
        memory_gb=options.memory_gb,
        memory_share=options.memory_share,
        restart=options.restart,
        needs=find_needs(plan, splits, configuration.name, fold),
        unlabelled=splits.unlabelled_for(configuration),
        validated=common.validated,
    )
    _check_inputs(job, splits, own)
    return _add_start(job, options, own)


def _add_start(job: Job, options: TrainingOptions, begun: Run | None) -> Job:
    """Return the job with the model that it starts from, and the cases that this one and others have seen."""
    asked = None
    if options.from_model is not None:
        if job.configuration.initial is not None:
            raise PlanError(
                f"{job.name} starts from the weights of {job.configuration.initial.configuration}, as its plan says "
                f"(initial), and not from a model. Leave out --from, or give it with -c for that one."
            )
        asked = Asked(
            place=Path(options.from_model),
            allow_seen=options.allow_seen,
            folder=job.folder,
            configuration=job.configuration,
            task=job.task,
            judged=read_contents(job.workspace, job.inputs.store, job.cases.validation),
        )
    elif options.allow_seen:
        raise PlanError("--allow-seen is about the model that --from names. Give both, or leave it out.")
    start = find_start(asked, begun)
    if begun is not None:
        return replace(job, start=start, seen=begun.seen)
    used = [(need, job.workspace.fold(job.plan.name, need.configuration, need.fold)) for need in job.needs]
    seen = join_seen([(need, run) for need, folder in used if (run := read_run(folder)) is not None], job.cases.train)
    return replace(job, start=start, seen=seen.join(start.seen) if start else seen)


def _check_inputs(job: Job, splits: Splits, begun: Run | None) -> None:
    """Make sure that the fold and what it uses are of the same cases, and that these are what was planned."""
    refuse_link(job.folder.validation)
    cases, at_work = (*job.cases.train, *job.cases.validation), not job.needs_no_arrays()
    if at_work:
        refuse_lacking(job.workspace, job.plan, splits, job.name, job.fold)
        refuse_missing_arrays(job.workspace, job.inputs.store, (*cases, *job.unlabelled), job.name)
    refuse_changed_files(job.workspace, job.inputs.store, cases, begun=begun is not None)
    refuse_changed_files(job.workspace.unlabelled, job.inputs.store, job.unlabelled, begun=begun is not None)
    if at_work and job.needs:
        refuse_others_cases(job.workspace, splits, job.needs, job.make_run(begun))


def _put(plan: Plan, changed: Configuration) -> Plan:
    """Return the plan with a configuration in the place of that of its name."""
    configurations = (changed if entry.name == changed.name else entry for entry in plan.configurations)
    return replace(plan, configurations=tuple(configurations))
