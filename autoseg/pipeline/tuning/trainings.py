"""Single trainings of a search, and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autoseg.models.selection import ScoreName
from autoseg.pipeline.folds.jobs import Job
from autoseg.pipeline.folds.one_fold import train_resolved
from autoseg.pipeline.folds.runs import read_contents, read_run
from autoseg.pipeline.folds.stage_inputs import StageInput
from autoseg.pipeline.selection.selecting import make_case, make_setting
from autoseg.pipeline.tuning.division import refuse_leaks, refuse_same_scans
from autoseg.pipeline.tuning.schedule import Length
from autoseg.pipeline.tuning.spending import Spent, Ticking
from autoseg.progress import Progress
from autoseg.selection import PLAIN, name_targets
from autoseg.selection.figures import Figures, average
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import AutosegError, PlanError, WorkspaceError
from planners.order import find_configuration
from planners.plan import Fold, Plan
from planners.start import NOTHING_SEEN

# What to do where trainings do not have the size that their plan says.
LESS_MEMORY = (
    "Plan again with less memory to fill (plan_and_preprocess --gpu-memory-gb NUMBER --plan-name NEW), then search on "
    "that plan."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What all trainings of a search have in common.

    Attributes:
        job: the fold's own training, resolved.
        plan: as it is.
        inner: how the fold's training cases are divided for the search.
        units: every case's subject, or what else keeps cases together.
        score: that counts.
        spent: time.
    """

    job: Job
    plan: Plan
    inner: Fold
    units: Mapping[str, str]
    score: ScoreName
    spent: Spent
    progress: Progress

    def train(self, plan: Plan, cases: Fold, folder: FoldFolder, length: Length, title: str) -> None:
        """Train, or go on with it, and validate it.

        Args:
            plan: that is trained by.
            cases: to train on, and to judge by.
            folder: where everything of the training goes.
            length: of it, what it was trained before included.
            title: of the training, for the progress.

        Raises:
            WorkspaceError: its folder holds a training of other cases or another plan.
            PlanError: it did not fit into the memory.
            StoppedError: a signal came; everything is saved.
        """
        job = replace(
            self.job,
            plan=_with_iterations(plan, self.job.name, length),
            steps=(),
            start=None,
            seen=NOTHING_SEEN,
            cases=cases,
            inputs=self._inputs(plan),
            folder=folder,
            max_minutes=length.minutes,
            iterations_asked=length.iterations is not None,
            restart=False,
            pictured=False,
        )
        refuse_smaller(folder)  # of a start that was stopped
        train_resolved(job, Ticking(self.progress, self.spent, title))
        self.spent.write()
        refuse_smaller(folder)

    def measure(self, cases: Sequence[str], folders: Mapping[str, FoldFolder], title: str) -> dict[str, Figures]:
        """Return the scores of cases, means over labels or regions, by trainings that did not see them.

        Args:
            cases: that all of the trainings were judged on.
            folders: of the trainings, by name.
            title: of the work, for the progress.

        Raises:
            WorkspaceError: a training has seen one of the cases.
        """
        self._refuse_seen(cases, folders)
        scheme = self.job.inputs.scheme
        of = (scheme, self.job.inputs.store)
        held = [make_case(case, self.units.get(case, case), of, folders) for case in cases]
        rules = [(PLAIN,)] * len(name_targets(scheme))
        setting = make_setting(held, self.score, Ticking(self.progress, self.spent, title))
        measured = setting.measure("scoring", [(name,) for name in folders], rules)
        return {name: average(targets) for name, targets in zip(folders, measured, strict=True)}

    def refuse_leaks(self) -> None:
        """Make sure that the search's cases are divided as they have to be, by name, subject and content.

        Raises:
            DataError: they are not.
        """
        fold = self.job.cases
        refuse_leaks(self.inner, fold, self.units)
        sides = (
            ("trains candidates", self.inner.train),
            ("chooses between them", self.inner.validation),
            ("proves the gain", fold.validation),
        )
        read = ((does, read_contents(self.job.workspace, self.job.inputs.store, names)) for does, names in sides)
        refuse_same_scans(read)

    def _inputs(self, plan: Plan) -> StageInput:
        configuration = find_configuration(plan.configurations, self.job.name, f"plan {plan.name}")
        return replace(self.job.inputs, centre_shape=configuration.prediction.centre_shape)

    def _refuse_seen(self, cases: Sequence[str], folders: Mapping[str, FoldFolder]) -> None:
        """Make sure that no training has seen what it is judged by, as its own files say."""
        judged = {self.units.get(case, case) for case in cases}
        for name, folder in folders.items():
            run, record = read_run(folder), read_record(folder)
            if run is None or record is None:
                raise WorkspaceError(f"{folder.root}: the training of {name} is not there any more.")
            seen = (case for case in (*run.train_cases, *record.train_cases) if self.units.get(case, case) in judged)
            leaking = next(seen, None)
            if leaking is not None or set(run.validation_cases) != set(cases):
                what = f"has seen {leaking}, by which it is judged" if leaking else "was judged by other cases"
                raise WorkspaceError(
                    f"{folder.root}: this training {what}. The search would not be honest: begin it anew with "
                    "`autoseg tune FOLD --restart`."
                )


def describe_failure(error: AutosegError) -> str:
    """Return in a few words why a training cannot be used: its loss is not a number, or the memory is too small.

    Raises:
        AutosegError: what has nothing to do with its values, such as a signal or a damaged file.
    """
    if type(error) not in (AutosegError, PlanError):
        raise error
    return str(error).split(": ", 1)[-1].partition(". ")[0].rstrip(".")


def refuse_smaller(folder: FoldFolder) -> None:
    """Make sure that a training was not made smaller for lack of memory: it would not be what it is called.

    Raises:
        PlanError: it was.
    """
    run = read_run(folder)
    if run is not None and run.steps:
        raise PlanError(f"{folder.root}: the training ran out of memory and went on in a smaller size. {LESS_MEMORY}")


def _with_iterations(plan: Plan, name: str, length: Length) -> Plan:
    if length.iterations is None:
        return plan
    training = find_configuration(plan.configurations, name, f"plan {plan.name}").training
    changed = replace(training, iterations=length.iterations)
    configurations = (
        replace(entry, training=changed) if entry.name == name else entry for entry in plan.configurations
    )
    return replace(plan, configurations=tuple(configurations))
