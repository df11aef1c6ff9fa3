"""Recipes beside each other: the same folds, the same time, one after the other, each in processes of its own."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.evaluation import Evaluation, write_evaluation
from autoseg.pipeline.folds.children import Child, Slot, describe_end, run_children
from autoseg.pipeline.folds.runs import refuse_undivided
from autoseg.prediction import describe_effort
from autoseg.progress import Progress
from autoseg.training.interruption import listening, stopped_by
from autoseg.training.record import TrainingRecord, read_record
from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.errors import AutosegError, PartlyDoneError, PlanError, StoppedError
from experiments.experiment.failures import find_same, list_failures
from experiments.experiment.planning import PlannedRecipe, Setting, find_or_make_plan, name_plan
from experiments.experiment.running import (
    TimeLimit,
    Training,
    are_finished,
    check_fold,
    choose_trainings,
    list_trainings,
    refuse_impossible_folds,
)
from experiments.experiment.scoring import score_folds
from experiments.experiment.showing import Table, describe_trainings
from experiments.experiment.table import Scored, make_table, place_tables, refuse_other_labels, write_tables
from experiments.recipes import find_recipe
from planners.editing.option_checks import MOST_HOURS, check_amount

# Of a workspace, what is kept of each recipe of a comparison: its scores, and what its processes printed.
FOLDER = "recipes"
MOST_SEEDS = 100
# For each fold of each recipe, where no time is asked for.
USUAL_MINUTES = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """Recipes to compare.

    Attributes:
        names: of recipes, of which the others are compared with the first.
        minutes: for each fold of each recipe, with all trainings that it needs; None for `USUAL_MINUTES`, where what is
            trained already stays as it is.
        folds: that all are trained on.
        seeds: of the first recipe, with which it is trained, to know how far chance reaches.
    """

    names: tuple[str, ...]
    setting: Setting
    minutes: float | None = None
    folds: tuple[str, ...] = ("0",)
    seeds: int = 2

    def find_minutes(self) -> float:
        """Return the time of each fold that is to be trained."""
        return USUAL_MINUTES if self.minutes is None else self.minutes

    def limit(self) -> TimeLimit:
        """Return the time of each fold, and whether trained ones stay as they are: where no time is asked for."""
        return TimeLimit(minutes=self.find_minutes(), keeps_trained=self.minutes is None)

    def check(self) -> None:
        """Make sure that there is something to compare.

        Raises:
            PlanError: there is not, or a recipe does not exist.
        """
        for name in self.names:
            find_recipe(name)
        check_amount("--minutes", self.find_minutes(), 60 * MOST_HOURS, "more than 0")
        if not 1 <= self.seeds <= MOST_SEEDS:
            raise PlanError(f"--seeds is {self.seeds}. Expected 1 to {MOST_SEEDS}.")
        for what, given in (("recipe", self.names), ("fold", self.folds)):
            doubled = [one for one in given if given.count(one) > 1]
            if doubled:
                raise PlanError(f"{what} {doubled[0]} is named twice. Name each once.")
        if len(self.names) + self.seeds < 3:
            raise PlanError("There is one training and nothing to compare it with. Name more recipes, or --seeds 2.")

    def entries(self) -> tuple[tuple[str, int], ...]:
        """Return the recipes with their seeds, in the order in which they are trained."""
        first, *others = self.names
        return (*((first, seed) for seed in range(self.seeds)), *((name, 0) for name in others))


@dataclass(frozen=True, kw_only=True, slots=True)
class ContestOutcome:
    """A comparison, as far as it could be made.

    Attributes:
        evaluations: by the name of the plan.
        table: as it was written.
        written: the files: Markdown and CSV.
        failures: by the name of the plan, why it is in no figure.
    """

    evaluations: dict[str, Evaluation]
    table: Table
    written: tuple[Path, ...]
    failures: dict[str, str]

    def refuse_failures(self) -> None:
        """Make sure that every recipe was trained and scored.

        Raises:
            PartlyDoneError: some were not; the others are in the table.
        """
        if self.failures:
            raise PartlyDoneError(
                f"{len(self.failures)} of {len(self.failures) + len(self.evaluations)} trainings of recipes failed; "
                f"the table is of the others:\n{list_failures(self.failures)}\nGive the same command again: it goes on "
                "with what is missing.",
                result=self,
            )


def compare_recipes(contest: Contest, progress: Progress) -> ContestOutcome:
    """Train recipes on the same folds in the same time, score them on the cases left to these, and write tables.

    Given again after a kill, it goes on: what is finished is not done again.

    Raises:
        StoppedError: a signal came; what was done is saved.
        AutosegError: nothing can be compared.
    """
    contest.check()
    _check_folds(contest, progress)
    workspace = contest.setting.workspace
    scored: list[Scored] = []
    failures: dict[str, str] = {}
    entries = contest.entries()
    left = len(entries) * len(contest.folds)
    minutes = contest.find_minutes()
    progress.say(f"At most {show_duration(60 * minutes * left)} of training for {left} folds of recipes.")
    with progress.task("Recipes, folds", left) as task:
        for name, seed in entries:
            plan_name = name_plan(name, seed)
            try:
                one = _score(contest, _train(contest, (name, seed), progress), progress)
                if scored:
                    refuse_other_labels(scored[0], one)
                scored.append(one)
            except StoppedError:
                raise
            except AutosegError as error:
                failures[plan_name] = str(error)
                first = find_same(failures, plan_name)
                reason = str(error) if first == plan_name else f"The reason is that of {first}."
                progress.say(f"{plan_name}: failed; the others go on. {reason}")
            task.advance(len(contest.folds))
    if len(scored) < 2:
        listed = list_failures(failures)
        raise AutosegError(f"{workspace.root}: fewer than two recipes could be trained and scored:\n{listed}")
    table = make_table(scored, minutes, contest.folds)
    return ContestOutcome(
        evaluations={one.name: one.evaluation for one in scored},
        table=table,
        written=write_tables(place_tables(workspace.root), table, scored),
        failures=failures,
    )


def _check_folds(contest: Contest, progress: Progress) -> None:
    """Make sure that the folds are there, which all recipes of a workspace share.

    Raises:
        PlanError: one is not, or there is no cross-validation.
    """
    refuse_impossible_folds(contest.setting.workspace, contest.folds)
    try:
        splits = find_or_make_plan(contest.names[0], contest.setting, progress).splits
    except StoppedError:
        raise
    except AutosegError:  # reported as that recipe's failure
        return
    refuse_undivided(contest.setting.workspace, splits)
    for fold in contest.folds:
        check_fold(splits, fold)


def _train(contest: Contest, entry: tuple[str, int], progress: Progress) -> PlannedRecipe:
    """Train what is missing of a recipe's folds, each in a process of its own, and return its plan."""
    (name, seed), workspace = entry, contest.setting.workspace
    planned = find_or_make_plan(name, replace(contest.setting, seed=seed), progress)
    plan, limit = planned.plan, contest.limit()
    trainings = {fold: choose_trainings(workspace, planned, fold, limit) for fold in contest.folds}
    waiting = [fold for fold, of_fold in trainings.items() if not are_finished(workspace, plan, of_fold, progress)]
    if len(waiting) < len(contest.folds):
        progress.say(f"{plan.name}: {len(contest.folds) - len(waiting)} of {len(contest.folds)} folds are finished.")
        finished = (one for fold, of_fold in trainings.items() if fold not in waiting for one in of_fold)
        for line in describe_trainings(workspace, plan, tuple(dict.fromkeys(finished))):
            progress.say(f"{plan.name}: {line}")
    children = [_make_child(contest, plan.name, entry, fold) for fold in waiting]
    with listening() as interruption:
        outcomes = run_children(children, (Slot(),), progress, interruption)
    if interruption.signal:
        rest = f"; what {plan.name} had done is saved. Give the same command again to go on."
        raise stopped_by(interruption.signal, workspace.root, rest)
    failed = [outcome for outcome in outcomes if outcome.exit_code]
    if failed:
        raise AutosegError("\n".join(map(describe_end, failed)))
    return planned


def _make_child(contest: Contest, plan: str, entry: tuple[str, int], fold: str) -> Child:
    (name, seed), root = entry, contest.setting.workspace.root
    command = (sys.executable, "-m", "autoseg", "experiment", "run", name, fold, "-w", str(root), "--seed", str(seed))
    limit = contest.limit()
    asked = ("--max-minutes", repr(limit.minutes), *(("--keep-trained",) if limit.keeps_trained else ()))
    return Child(
        name=f"{plan}, fold {fold}",
        command=lambda _: (*command, "--unscored", *asked),
        log=root / FOLDER / f"{plan}.log",
    )


def _score(contest: Contest, planned: PlannedRecipe, progress: Progress) -> Scored:
    """Score a recipe's folds, and keep the scores beside those of the others."""
    workspace, plan = contest.setting.workspace, planned.plan
    evaluation = score_folds(workspace, planned, contest.folds, progress=progress)
    path = workspace.root / FOLDER / f"{plan.name}.json"
    path.parent.mkdir(exist_ok=True)
    write_evaluation(path, evaluation)
    trained = _read_records(contest, planned)
    records = [record for _, record in trained]
    ways = (record.final_prediction for record in records if record.configuration in planned.names())
    return Scored(
        name=plan.name,
        scale=plan.scale,
        steps=sum(record.iterations for record in records),
        minutes=sum(record.seconds for record in records) / 60,
        evaluation=evaluation,
        cheaper=tuple(dict.fromkeys(describe_effort(way) for way in ways if way is not None)),
        other_time=not all(_had_its_time(training, record) for training, record in trained),
    )


def _read_records(contest: Contest, planned: PlannedRecipe) -> list[tuple[Training, TrainingRecord]]:
    """Return all trainings of a recipe's folds, as they would be made now, with their records."""
    minutes, workspace = contest.find_minutes(), contest.setting.workspace
    listed = (one for fold in contest.folds for one in list_trainings(planned, fold, minutes))
    trainings = {workspace.fold(planned.plan.name, one.configuration, one.fold): one for one in listed}
    found = ((one, read_record(folder)) for folder, one in trainings.items())
    return [(one, record) for one, record in found if record is not None]


def _had_its_time(training: Training, record: TrainingRecord) -> bool:
    """Return whether a training was made for the time that it would be given now."""
    given, now = record.max_minutes, training.minutes
    return given is not None and now is not None and math.isclose(given, now)
