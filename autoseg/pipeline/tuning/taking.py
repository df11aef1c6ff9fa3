"""The plan that a proven gain leads to, with the evidence and what it is worth among its decisions."""

from __future__ import annotations

from dataclasses import replace

from autoseg.models.selection import Trial
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.tuning.records import Outcome, TuningRecord
from autoseg.pipeline.tuning.tuning_text import describe_gain, describe_worth
from autoseg.workspace.locks import locked
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import write_json
from planners.editing.alternatives import vary
from planners.plan import Decision, Plan, Splits

FIELD = "tuning"
_SUFFIX = "-tuned"
_CHANGE = "a search of another time or seed: `autoseg tune`"


def write_tuned_plan(workspace: Workspace, plan: Plan, splits: Splits, record: TuningRecord, outcome: Outcome) -> str:
    """Write the plan with a candidate's values and the same folds beside the one that was searched from.

    Returns:
        Its name: that of the plan with `-tuned`, and a number where there is such a plan already.
    """
    assert outcome.trial is not None
    tuned = _explain(vary(plan, record.configuration, outcome.assignments)[0], record, outcome, outcome.trial)
    with locked(workspace.root, "this workspace's plan"):
        taken = {name.lower() for name in workspace.plan_names()}
        number = 1
        while True:
            name = f"{plan.name}{_SUFFIX}" + (f"-{number}" if number > 1 else "")
            named = replace(tuned, name=name)
            if name.lower() not in taken:
                break
            if name in workspace.plan_names() and read_plan(workspace, name) == (named, splits):
                return name  # written before the search was stopped
            number += 1
        write_json(workspace.splits(name), splits)
        write_json(workspace.plan(name), named)
    return name


def _explain(tuned: Plan, record: TuningRecord, outcome: Outcome, trial: Trial) -> Plan:
    """Return a plan whose changed values say that they were found, not set by a person."""
    fields = {assignment.partition("=")[0] for assignment in outcome.assignments}
    rule = f"Found by `autoseg tune` on fold {record.fold}, and proven together with what else it changed."
    gain = f"{describe_gain(trial, record.score)}; all of it: {FIELD}"
    decisions = [
        replace(entry, rule=rule, evidence=f"{entry.evidence}; {gain}", change=_CHANGE)
        if entry.field in fields
        else entry
        for entry in tuned.decisions
    ]
    whole = Decision(
        field=FIELD,
        value=trial.best,
        rule="Taken because the interval of its gain on cases that the search never saw lies above 0. These cases and "
        "those of the search have chosen it: scores on the plan's folds are a little too good.",
        evidence=" ".join((f"{describe_gain(trial, record.score)}.", *describe_worth(record, outcome))),
        change=_CHANGE,
    )
    return replace(tuned, decisions=(whole, *decisions))
