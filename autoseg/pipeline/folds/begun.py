"""Planning again where folds are begun: these keep the split that they were begun with."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from autoseg.pipeline.folds.runs import cases_of, list_runs
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import FileFormatError, PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.names import counted, some_of
from planners.plan import Plan, Splits
from planners.run import CaseContent, Run, find_other_cases
from planners.spelling_out import spell_out

# So many folds are named in a message.
NAMED = 5


def choose_splits(workspace: Workspace, plan: Plan, made: Splits, *, given: bool, progress: Progress) -> Splits:
    """Return the splits of a plan that is made again: they stay those of its begun folds, or nothing is planned.

    Args:
        workspace: with the folds.
        plan: as it is made now.
        made: the splits of today's cases.
        given: whether a person gave these splits.
        progress: receiver of progress reports.

    Raises:
        WorkspaceError: folds are begun with other cases or another split; the message names them.
    """
    begun = list(list_runs(workspace, plan.name))
    others = [(folder, other) for folder, run in begun for other in _find_other_cases(run, made)]
    if not others:
        return made
    earlier = None if given else _read_earlier(workspace, plan)
    if earlier is not None:
        earlier = replace(earlier, unlabelled=made.unlabelled, subsets=made.subsets)
    keeps = earlier is not None and not any(_find_other_cases(run, earlier) for _, run in begun)
    if earlier is not None and keeps and earlier.cases() == made.cases():
        progress.say(f"The folds stay as they are ({earlier.origin}), for some of plan {plan.name} are begun.")
        return earlier
    names = ", ".join(dict.fromkeys(folder.title() for folder, _ in others))
    raise WorkspaceError(
        f"{workspace.root}: plan {plan.name} has folds that were begun with other cases or another split ({names}): "
        f"{others[0][0].title()} {others[0][1]}. Nothing of the plan is changed. Give the new plan a name of its own "
        f"with --plan-name, which leaves these folds as they are, or delete {workspace.models(plan.name)} "
        "to plan them anew."
    )


def report_changed_contents(workspace: Workspace, fingerprint: DatasetFingerprint, progress: Progress) -> None:
    """Say which folds, of any plan, were begun with other scans or label maps than are there now."""
    now = {case.case: tuple(identity.sha256 for identity in case.identities) for case in fingerprint.cases}
    changed: list[str] = []
    for plan in workspace.plan_names():
        with suppress(FileFormatError):  # whoever uses the fold is told
            changed += [
                f"{folder.title()} of plan {plan}"
                for folder, run in list_runs(workspace, plan)
                if any(one.sha256 != now.get(one.case, one.sha256) for one in run.contents)
            ]
    if changed:
        progress.say(
            f"Scans or label maps have changed since these folds were begun: {some_of(changed, NAMED, '; ')}. They "
            "still predict; to train them further, begin them anew with `autoseg train FOLD --restart`."
        )


def report_other_labels(workspace: Workspace, plan: Plan, progress: Progress) -> None:
    """Say which begun folds of a plan that is made again are of other labels or channels than it is now."""
    today = (plan.scheme, plan.channels)
    others = [folder.title() for folder, run in list_runs(workspace, plan.name) if (run.scheme, run.channels) != today]
    if others:
        progress.say(
            f"These folds were begun with other labels or channels than plan {plan.name} has now: "
            f"{some_of(others, NAMED, '; ')}. They still predict what they were trained for, but not together with new "
            "ones; to train them as planned, begin them anew with `autoseg train FOLD --restart`."
        )


def report_other_plan(workspace: Workspace, plan: Plan, progress: Progress) -> None:
    """Say which folds of a plan that gets other values were begun before."""
    with suppress(FileFormatError):
        before = read_json(workspace.plan(plan.name), Plan)
        others = [folder.title() for folder, _ in list_runs(workspace, plan.name)]
        values = [(tuple(map(spell_out, one.configurations)), one.max_hours) for one in (before, plan)]
        if others and values[0] != values[1]:
            progress.say(
                f"Plan {plan.name} gets other values than it had. These folds were begun before: "
                f"{some_of(others, NAMED, '; ')}. They stay as they are, and predict. To train as planned now, begin "
                "them anew with `autoseg train FOLD --restart`; to have both, plan with --plan-name NEW."
            )


def _find_other_cases(run: Run, splits: Splits) -> tuple[str, ...]:
    """Return in what a begun fold's cases differ from those that splits give it, by their names alone."""
    try:
        cases = cases_of(splits, run.fold)
    except PlanError:
        return (f"is not among its {counted(len(splits.folds), 'fold')} now",)
    try:
        cases = splits.narrow(cases, run.own())
    except PlanError:
        return ("trains on cases that the plan does not ask for any more",)
    known = {one.case: one for one in (*run.contents, *run.unlabelled)}
    train, validation, unlabelled = (
        tuple(known.get(name, CaseContent(case=name, sha256=())) for name in names)
        for names in (cases.train, cases.validation, splits.unlabelled_for(run.own()))
    )
    return tuple(find_other_cases(run, replace(run.of_cases(train, validation), unlabelled=unlabelled)))


def _read_earlier(workspace: Workspace, plan: Plan) -> Splits | None:
    """Return the splits of an earlier plan of this name that divided its cases by the same rule and seed."""
    with suppress(FileFormatError):
        before = read_json(workspace.plan(plan.name), Plan)
        if (before.planner, before.seed, before.folds) == (plan.planner, plan.seed, plan.folds):
            return read_json(workspace.splits(plan.name), Splits)
    return None
