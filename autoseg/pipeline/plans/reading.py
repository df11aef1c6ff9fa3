"""Plans of a workspace as they are read again."""

from __future__ import annotations

from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from planners.editing.plan_checks import check_plan
from planners.plan import Plan, Splits

USUAL_PLAN = "default"
REMEDY = "Run `autoseg plan_and_preprocess` again with the same data set and options, which writes it anew."


def choose_plan(workspace: Workspace, given: str | None, progress: Progress) -> str:
    """Return the name of the plan that is meant: the given one, else `default`, or the only one, which is said.

    Args:
        workspace: with the plans.
        given: as a person named it; None where nobody did.
        progress: receiver of progress reports.
    """
    if given is not None:
        return given
    known = workspace.plan_names()
    if USUAL_PLAN in known or len(known) != 1:
        return USUAL_PLAN  # where it is missing, `read_plan` names all others
    progress.say(f"Taking plan {known[0]}, the only one in {workspace.root}.")
    return known[0]


def read_plan(workspace: Workspace, name: str) -> tuple[Plan, Splits]:
    """Read a plan and its folds.

    Raises:
        WorkspaceError: there is no such plan.
    """
    path = workspace.plan(name)
    if not path.is_file():
        known = ", ".join(workspace.plan_names())
        what = f"(plans: {known}). Name one with --plan." if known else "(plans: none)."
        remedy = "" if known else " Run `autoseg plan_and_preprocess DATASET` to make one."
        raise WorkspaceError(f"{workspace.root}: has no plan '{name}' {what}{remedy}")
    return read_named_plan(workspace, name), read_json(workspace.splits(name), Splits, REMEDY)


def read_named_plan(workspace: Workspace, name: str) -> Plan:
    """Return a plan of a workspace, which fits together.

    Raises:
        FileFormatError: its file is missing or damaged.
        PlanError: its values do not fit together, or it is of another name.
    """
    path = workspace.plan(name)

    def check(plan: Plan) -> None:
        try:
            check_plan(plan)
        except PlanError as error:
            raise PlanError(f"{path}: {error}") from error
        if plan.name != name:
            raise PlanError(f"{path}: has the name '{plan.name}'. Expected its folder's, '{name}': rename either.")

    return read_json(path, Plan, REMEDY, check)
