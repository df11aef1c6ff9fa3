"""A fold of a recipe: every training that it needs, in turn, with the time divided over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from autoseg.pipeline.folds.changed_weights import report_changed_weights
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
from dataset_fingerprints.errors import AutosegError, PlanError
from experiments.experiment.planning import PlannedRecipe, Setting, find_or_make_plan
from planners.editing.option_checks import MOST_HOURS, check_amount
from planners.order import find_configuration
from planners.plan import FOLDS, Plan, Splits
from planners.time_budget import count_multiplications

ALL_FOLDS = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimit:
    """Time for each fold of a recipe, with all trainings that it needs.

    Attributes:
        minutes: None for the planned numbers of steps.
        keeps_trained: whether what is trained already is taken as it is, and not made longer.
    """

    minutes: float | None = None
    keeps_trained: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """One fold of one configuration, and its time.

    Attributes:
        share: of the time of all trainings of the recipe's fold: that of the planned steps' arithmetic.
        minutes: None for the planned number of steps.
        validated: whether its masks are used; else it only gives weights to another, and is not validated.
        iterations: in place of the planned number; None for that.
        kept: whether it is trained already, and asked for no more than it has had.
    """

    configuration: str
    fold: str
    share: float
    minutes: float | None
    validated: bool = True
    iterations: int | None = None
    kept: bool = False

    def options(self, plan: Plan) -> TrainingOptions:
        """Return what the engine is asked for."""
        return TrainingOptions(
            plan_name=plan.name,
            configuration=self.configuration,
            iterations=self.iterations,
            max_minutes=self.minutes,
        )

    def describe(self) -> str:
        """Return the training in words."""
        time = "" if self.minutes is None else f": {show_duration(60 * self.minutes)}"
        return f"{self.configuration}, fold {self.fold}{': trained already' if self.kept else time}"


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
    limit: TimeLimit,
    progress: Progress,
    configurations: Sequence[str] = (),
) -> tuple[PlannedRecipe, dict[str, tuple[Training, ...]]]:
    """Plan a recipe where it is not planned yet, train a fold of it, or all in turn, and return the trainings by fold.

    Where the recipe gives lesions classes, these are learnt from all folds that are trained by then.

    Args:
        name: of the recipe.
        fold: a number, or `all`.
        setting: where, and how large.
        limit: the time of each fold.
        progress: receiver of progress reports.
        configurations: of its plan, in place of those that the recipe predicts with; empty for these.

    Raises:
        StoppedError: a signal came; what was done is saved.
        AutosegError: the recipe cannot be planned, there is no cross-validation or no such fold, or a training failed.
    """
    if limit.minutes is not None:
        check_amount("--max-minutes", limit.minutes, 60 * MOST_HOURS, "more than 0")
    if fold != ALL_FOLDS:
        refuse_impossible_folds(setting.workspace, (fold,), f", or `{ALL_FOLDS}`")
    planned = find_or_make_plan(name, setting, progress, configurations)
    refuse_undivided(setting.workspace, planned.splits)
    folds = name_folds(planned.splits) if fold == ALL_FOLDS else (fold,)
    trainings = {one: choose_trainings(setting.workspace, planned, one, limit) for one in folds}
    for of_fold in trainings.values():
        run_trainings(setting.workspace, planned.plan, of_fold, progress)
    learn_if_planned(setting.workspace, planned.plan.name, progress)
    return planned, trainings


def refuse_impossible_folds(workspace: Workspace, folds: Sequence[str], others: str = "") -> None:
    """Make sure, before a data set is read for them, that there can be such folds.

    Args:
        workspace: whose plans say how many there are; before the first plan there are `FOLDS` at most.
        folds: as they were given.
        others: what else can be given, in words.

    Raises:
        PlanError: one is no number, or too large.
    """
    try:
        known = [name_folds(read_plan(workspace, name)[1]) for name in workspace.plan_names()]
    except AutosegError:  # a damaged plan, which is reported when it is used
        return
    if known and not all(known):  # no cross-validation, which is said later
        return
    expected = tuple(map(str, range(max(map(len, known), default=FOLDS))))
    for fold in folds:
        if fold not in expected:
            raise PlanError(f"There is no fold '{fold}'. Expected one of {', '.join(expected)}{others}.")


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


def choose_trainings(workspace: Workspace, planned: PlannedRecipe, fold: str, limit: TimeLimit) -> tuple[Training, ...]:
    """Return the trainings behind a fold of a recipe, those that are kept as they are among them.

    Raises:
        PlanError: there is no such fold or configuration.
    """
    trainings = list_trainings(planned, fold, limit.minutes)
    return tuple(_keep(workspace, planned.plan, one) for one in trainings) if limit.keeps_trained else trainings


def _keep(workspace: Workspace, plan: Plan, training: Training) -> Training:
    """Return a training so that it is made no longer where it is there: asked for what it was asked for before."""
    folder = workspace.fold(plan.name, training.configuration, training.fold)
    record = read_record(folder)
    if record is None or record.status == "training" or folder.restart.is_file():
        return training
    kept = replace(training, minutes=None, kept=True)
    asked = record.planned_iterations or record.iterations
    planned = find_configuration(plan.configurations, training.configuration, f"plan {plan.name}").training.iterations
    # Without any wish, what was trained for a time stays, and so do as many steps as planned or more.
    return replace(kept, iterations=asked) if record.max_minutes is None and asked < planned else kept


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
        if any(one.minutes is not None for one in trainings):
            progress.say("The time is divided by what their planned steps would take: steps times multiply-adds.")
            for sentence in describe_used(plan, trainings):
                progress.say(sentence)
    for training in trainings:
        options, validated = training.options(plan), training.validated
        train_fold(workspace, training.fold, options, progress, validated=validated)


def describe_used(plan: Plan, trainings: Sequence[Training]) -> Iterator[str]:
    """Yield of each configuration whose masks another one is given that its whole validation is needed first."""
    names = dict.fromkeys(one.configuration for one in trainings)
    trained = [find_configuration(plan.configurations, name, f"plan {plan.name}") for name in names]
    for name in names:
        users = [one.name for one in trained if name in {entry.configuration for entry in one.inputs}]
        judged = [one.fold for one in trainings if one.configuration == name and one.validated]
        if users and judged:
            folds = f"fold{'s' * (len(judged) > 1)} {', '.join(judged)}"
            yield (
                f"{', '.join(users)} {'is' if len(users) == 1 else 'are'} given what {name} finds in the validation "
                f"cases of {folds}, so all of these are predicted first. A very short time is exceeded by that: how "
                "long it takes is said before each training."
            )


def are_finished(workspace: Workspace, plan: Plan, trainings: Sequence[Training], progress: Progress) -> bool:
    """Return whether nothing is left to do of some trainings; those that used other weights than now are named.

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
        report_changed_weights(job, read_record(folder), progress)
    return True
