"""Everything in a workspace that the page is about, as far as it is there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoseg.evaluation import DEFAULT_CONVENTION, Convention, Evaluation, read_evaluation, summarise
from autoseg.pipeline.folds.runs import name_folds, read_run
from autoseg.pipeline.folds.seen_cases import mark_seen
from autoseg.pipeline.plans.explaining import ExplainOptions, find_known, find_selected
from autoseg.pipeline.plans.explanation import Explanation
from autoseg.pipeline.plans.inspecting import CheckReport
from autoseg.pipeline.plans.reading import REMEDY, read_plan
from autoseg.pipeline.scores.showing import Showing, choose_showing, show_run
from autoseg.training.curve import Curve, Line
from autoseg.training.record import TrainingRecord, read_record
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import DatasetFingerprint, drop_cases
from planners.order import find_configuration
from planners.plan import Plan, Splits
from planners.run import Run

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class BegunFold:
    """A fold that was begun.

    Attributes:
        lines: of its curve.
        evaluation: of its validation cases; None before they are validated.
    """

    folder: FoldFolder
    run: Run
    record: TrainingRecord | None
    lines: tuple[Line, ...]
    evaluation: Evaluation | None

    def name(self) -> str:
        """Return the fold as people call it."""
        name = self.folder.name()
        return f"fold {name}" if name.isdecimal() else name


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What is known of a workspace.

    Attributes:
        report: the findings of the last check; None where they are not there.
        folds: that were begun, by configuration; the one that the page is about first.
        configuration: the name of that one.
        evaluation: of all its validated cases; None before the first.
    """

    workspace: Workspace
    dataset: Dataset
    fingerprint: DatasetFingerprint
    report: CheckReport | None
    plan: Plan
    splits: Splits
    explanation: Explanation
    folds: dict[str, tuple[BegunFold, ...]]
    configuration: str
    evaluation: Evaluation | None
    simulated: bool

    def own(self) -> tuple[BegunFold, ...]:
        """Return the folds of the configuration that the page is about."""
        return self.folds.get(self.configuration, ())

    def validated(self) -> tuple[BegunFold, ...]:
        """Return those of them whose cases are scored."""
        return tuple(fold for fold in self.own() if fold.evaluation is not None)

    def showing(self) -> Showing:
        """Return what of the scans is shown: by the labels and channels that the folds were begun with."""
        if self.own():
            run = self.own()[0].run
            return show_run(run)
        return choose_showing(self.plan.scheme, self.plan.channels, drop_cases(self.fingerprint))

    def lacking(self) -> tuple[str, ...]:
        """Return the folds of the cross-validation that are not scored yet."""
        done = {fold.folder.name() for fold in self.validated()}
        return tuple(fold for fold in name_folds(self.splits) if fold not in done)


def gather(workspace: Workspace, plan_name: str, configuration: str | None) -> Gathered:
    """Read what a workspace holds.

    Args:
        workspace: that was planned in.
        plan_name: of its plan.
        configuration: that the page is about; None for the plan's default, or the first that was trained.

    Raises:
        AutosegError: there is no such plan or configuration, or a file is damaged.
    """
    plan, splits = read_plan(workspace, plan_name)
    dataset = read_json(workspace.dataset, Dataset, REMEDY)
    folds = {one.name: _read_folds(workspace, plan, one.name) for one in plan.configurations}
    begun = {name: found for name, found in folds.items() if found}
    chosen = _choose(plan, begun, configuration)
    options = ExplainOptions(plan_name=plan_name)
    explanation = Explanation(
        plan=plan,
        known=find_known(workspace.root, options, plan),
        holding=find_selected(workspace.root, options, plan),
    )
    return Gathered(
        workspace=workspace,
        dataset=dataset,
        fingerprint=read_json(workspace.fingerprint, DatasetFingerprint, REMEDY),
        report=_read_findings(workspace),
        plan=plan,
        splits=splits,
        explanation=explanation,
        folds=dict(sorted(begun.items(), key=lambda entry: entry[0] != chosen)),
        configuration=chosen,
        evaluation=join_evaluations(begun.get(chosen, ())),
        simulated=dataset.simulated,
    )


def join_evaluations(folds: Sequence[BegunFold]) -> Evaluation | None:
    """Return the scores of all validated cases of some folds together; None without any.

    Folds whose scores were made by another convention than those of the first are left out. As in the summary of a
    cross-validation, cases of one subject are drawn together for intervals.
    """
    scored = [(fold, fold.evaluation) for fold in folds if fold.evaluation is not None]
    if not scored:
        return None
    convention = _find_definitions(scored[0][1])
    same = [(fold, evaluation) for fold, evaluation in scored if _find_definitions(evaluation) == convention]
    if len(same) < len(scored):
        others = [fold for fold, evaluation in scored if _find_definitions(evaluation) != convention]
        left_out = ", ".join(fold.name() for fold in others)
        _log.warning("Left out of the scores, which are by another convention than those of the others: %s.", left_out)
    cases = [case for _, evaluation in same for case in evaluation.cases]
    scheme = same[0][0].run.learned()
    traits = [one for _, evaluation in same for one in evaluation.traits]
    joined = mark_seen(summarise(cases, convention, traits), [fold.run for fold, _ in same])
    return replace(joined, names=() if scheme.regions else scheme.labels)


def _find_definitions(evaluation: Evaluation) -> Convention:
    """Return the convention with the usual sentence on intervals; where subjects have several cases, it is another."""
    return replace(evaluation.convention, ci95=DEFAULT_CONVENTION.ci95)


def _choose(plan: Plan, begun: dict[str, tuple[BegunFold, ...]], asked: str | None) -> str:
    if asked is not None:
        return find_configuration(plan.configurations, asked, f"plan {plan.name}").name
    if plan.default_configuration in begun or not begun:
        return plan.default_configuration
    scored = [name for name, folds in begun.items() if any(fold.evaluation is not None for fold in folds)]
    return (scored or [*begun])[0]


def _read_folds(workspace: Workspace, plan: Plan, configuration: str) -> tuple[BegunFold, ...]:
    found = []
    for folder in workspace.folds(plan.name, configuration):
        run = read_run(folder)
        if run is None:
            continue
        metrics = folder.validation.metrics
        found.append(
            BegunFold(
                folder=folder,
                run=run,
                record=read_record(folder),
                lines=Curve(path=folder.curve).skim(),
                evaluation=read_evaluation(metrics) if metrics.is_file() else None,
            )
        )
    return tuple(found)


def _read_findings(workspace: Workspace) -> CheckReport | None:
    """Return the findings of the last check; the page is as good without."""
    if not workspace.check.is_file():
        return None
    try:
        return read_json(workspace.check, CheckReport)
    except AutosegError as error:
        _log.warning("The page is without the findings of `check`: %s", error)
        return None
