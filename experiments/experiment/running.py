"""A fold of a recipe: every training that it needs, in turn, with the time divided over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoseg.pipeline.folds.initial_stage import report_changed_initial
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.needs import list_needs
from autoseg.pipeline.folds.one_fold import train_fold
from autoseg.pipeline.folds.runs import name_folds, refuse_undivided
from autoseg.pipeline.lesion_classes.learning import learn_if_planned
from autoseg.pipeline.plans.reading import read_plan
from autoseg.progress import Progress
from autoseg.training.record import read_record
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.errors import PlanError
from experiments.experiment.planning import PlannedRecipe, Setting, find_or_make_plan
from planners.editing.option_checks import MOST_HOURS, check_amount
from planners.order import find_configuration
from planners.plan import Plan, Splits
from planners.time_budget import count_multiplications


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """One fold of one configuration, and its time.

    Attributes:
        share: of the time of all trainings of the recipe's fold: that of the planned steps' arithmetic.
        minutes: None for the planned number of steps.
        validated: whether its masks are used; else it only gives weights to another, and is not validated.
    """

    configuration: str
    fold: str
    share: float
    minutes: float | None
    validated: bool = True

    def options(self, plan: Plan) -> TrainingOptions:
        """Return what the engine is asked for."""
        return TrainingOptions(plan_name=plan.name, configuration=self.configuration, max_minutes=self.minutes)

    def describe(self) -> str:
        """Return the training in words."""
        time = "" if self.minutes is None else f": {show_duration(60 * self.minutes)}"
        return f"{self.configuration}, fold {self.fold}{time}"


ALL_FOLDS = "all"


def train_in_turn(workspace: Workspace, fold: str, minutes: float, progress: Progress) -> tuple[Training, ...]:
    """Train a fold of the default configuration, with all that it needs, in a time for all trainings together.

    Args:
        workspace: with the plan `default`.
        fold: a number, or `full`.
        minutes: for all together, validation included.
        progress: receiver of progress reports.

    Raises:
        StoppedError: a signal came; what was done is saved.
        AutosegError: there is no such fold, or a training failed.
    """
    check_amount("--minutes", minutes, 60 * MOST_HOURS, "more than 0")
    plan, splits = read_plan(workspace, "default")
    trainings = share_out(plan, name_folds(splits), (plan.default_configuration,), fold, minutes)
    run_trainings(workspace, plan, trainings, progress)
    return trainings


def run_folds(
    name: str,
    fold: str,
    setting: Setting,
    minutes: float | None,
    progress: Progress,
    configurations: Sequence[str] = (),
) -> tuple[PlannedRecipe, dict[str, tuple[Training, ...]]]:
    """Plan a recipe where it is not planned yet, train a fold of it, or all in turn, and return the trainings by fold.

    Where the recipe gives lesions classes, these are learnt from all folds that are trained by then.

    Args:
        name: of the recipe.
        fold: a number, or `all`.
        setting: where, and how large.
        minutes: for each fold, with all trainings that it needs; None for the planned numbers of steps.
        progress: receiver of progress reports.
        configurations: of its plan, in place of those that the recipe predicts with; empty for these.

    Raises:
        StoppedError: a signal came; what was done is saved.
        AutosegError: the recipe cannot be planned, there is no cross-validation or no such fold, or a training failed.
    """
    if minutes is not None:
        check_amount("--max-minutes", minutes, 60 * MOST_HOURS, "more than 0")
    planned = find_or_make_plan(name, setting, progress, configurations)
    refuse_undivided(setting.workspace, planned.splits)
    folds = name_folds(planned.splits) if fold == ALL_FOLDS else (fold,)
    trainings = {one: list_trainings(planned, one, minutes) for one in folds}
    for of_fold in trainings.values():
        run_trainings(setting.workspace, planned.plan, of_fold, progress)
    learn_if_planned(setting.workspace, planned.plan.name, progress)
    return planned, trainings


def check_fold(splits: Splits, fold: str) -> None:
    """Make sure that a fold is one of the cross-validation's.

    Raises:
        PlanError: it is not.
    """
    folds = name_folds(splits)
    if fold not in folds:
        raise PlanError(f"There is no fold '{fold}'. Expected one of {', '.join(folds) or 'none'}.")


def list_trainings(planned: PlannedRecipe, fold: str, minutes: float | None) -> tuple[Training, ...]:
    """Return the trainings behind a fold of a recipe, each behind those whose results it uses; see `share_out`.

    Raises:
        PlanError: there is no such fold or configuration.
    """
    check_fold(planned.splits, fold)
    return share_out(planned.plan, name_folds(planned.splits), planned.names(), fold, minutes)


def share_out(
    plan: Plan, folds: Sequence[str], names: Sequence[str], fold: str, minutes: float | None
) -> tuple[Training, ...]:
    """Return the trainings behind a fold of some configurations, each behind those whose results it uses.

    A time is divided as the plan would divide it at full length: by multiply-adds, steps times those of one step. That
    depends on nothing but the plan, so that a command that is given again divides alike.

    Args:
        plan: of the configurations.
        folds: all of the cross-validation.
        names: of the configurations that predict.
        fold: of these: a number, or `full`, with which whatever they crop to is of all cases as well.
        minutes: for all together; None for the planned numbers of steps.

    Raises:
        PlanError: there is no such configuration.
    """
    ordered: dict[tuple[str, str], float] = {}
    judged = {(name, fold) for name in names}

    def visit(name: str, of: str) -> None:
        if (name, of) in ordered:
            return
        configuration = find_configuration(plan.configurations, name, f"plan {plan.name}")
        found = list(list_needs(configuration, of, folds))
        judged.update((need.configuration, need.fold) for need in found if need.validated)
        needs = [(need.configuration, need.fold) for need in found]
        # A training on the reference's boxes needs no results, but new scans have no reference.
        used = {entry.configuration for entry in configuration.inputs} - {other for other, _ in needs}
        for need in (*needs, *((other, of) for other in sorted(used))):
            visit(*need)
        outputs = plan.output_channels(configuration)
        step = count_multiplications(configuration, plan.input_channels(configuration), outputs)
        ordered[name, of] = float(configuration.training.iterations * step)

    for name in names:
        visit(name, fold)
    whole = sum(ordered.values())
    return tuple(
        Training(
            configuration=name,
            fold=of,
            share=cost / whole,
            minutes=None if minutes is None else minutes * cost / whole,
            validated=(name, of) in judged,
        )
        for (name, of), cost in ordered.items()
    )


def run_trainings(workspace: Workspace, plan: Plan, trainings: Sequence[Training], progress: Progress) -> None:
    """Train what is not finished, and validate that whose masks are used, one after the other, as `train` does.

    Raises:
        StoppedError: a signal came; what was done is saved.
        AutosegError: a training cannot be begun, or failed.
    """
    if len(trainings) > 1:
        progress.say(f"{len(trainings)} trainings: {'; '.join(one.describe() for one in trainings)}.")
        if trainings[0].minutes is not None:
            progress.say("The time is divided by what their planned steps would take: steps times multiply-adds.")
    for training in trainings:
        options, validated = training.options(plan), training.validated
        train_fold(workspace, training.fold, options, progress, validated=validated)


def are_finished(workspace: Workspace, plan: Plan, trainings: Sequence[Training], progress: Progress) -> bool:
    """Return whether nothing is left to do of some trainings; those that started from other weights than now are named.

    Raises:
        AutosegError: one was begun with another plan or other cases.
    """
    for training in trainings:
        folder = workspace.fold(plan.name, training.configuration, training.fold)
        if not folder.record.is_file():
            return False
        job = resolve_job(workspace, training.fold, training.options(plan), validated=training.validated)
        if not job.is_finished():
            return False
        report_changed_initial(job, read_record(folder), progress)
    return True
