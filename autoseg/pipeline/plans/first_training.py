"""The end of planning: what `train` will do, how long it will take here, and the command."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from autoseg.hardware import measure_speed, profile_machine
from autoseg.pipeline.folds.runs import name_folds
from autoseg.pipeline.next_steps import name_train
from autoseg.workspace.fold import FULL
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.names import counted
from planners.defaults import is_full_size
from planners.editing.brief import Known, expect_seconds
from planners.order import find_configuration
from planners.plan import Configuration, Plan, Splits

# Enough for a figure of two digits, where the plan needs no better one.
_MEASURED_SECONDS = 0.5


def describe_first_training(
    workspace: Workspace, plan: Plan, splits: Splits, preprocessed: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return what the first training will be, the command that starts it, and any others', a sentence each.

    Args:
        workspace: of the plan.
        plan: that was made.
        splits: of its cases.
        preprocessed: names of the configurations that were asked for; empty for the plan's default.
    """
    default = plan.default_configuration
    name = default if not preprocessed or default in preprocessed else preprocessed[0]
    configuration = find_configuration(plan.configurations, name, f"plan {plan.name}")
    fold = next(iter(name_folds(splits)), FULL)
    chosen = "by default" if name == default else f"with -c {name}"
    steps = counted(configuration.training.iterations, "step")
    others = [name_train(workspace, plan, fold, configuration=one) for one in plan.ensemble if one != name]
    options = ("--with-previous",) if configuration.needs() else ()
    together = f"{plan.name} predicts with {', '.join(plan.ensemble)} together: then {', '.join(others)}."
    return (
        f"`autoseg train` trains {name} {chosen}: {steps}, {_show_time(plan, configuration)}.",
        f"Next: {name_train(workspace, plan, fold, *options, configuration=name)}.",
        *((f"Plan {together}",) if others else ()),
    )


def _show_time(plan: Plan, configuration: Configuration) -> str:
    """Return the time of a fold in words, from the speed of this machine where it is the plan's."""
    if plan.max_hours is not None:
        return f"or as many as fit into the {show_duration(3600 * plan.max_hours)} per fold that were planned for"
    if not is_full_size(plan.scale):
        return "for a time that is not known here, as small steps are not foreseen; it is said after the first ones"
    machine = plan.machine
    if machine.multiplications_per_second is None and machine == profile_machine():
        machine = measure_speed(machine, _MEASURED_SECONDS)
    seconds = expect_seconds(replace(plan, machine=machine), configuration, Known())
    if math.isinf(seconds):
        return "for a time that is not known here, as the plan is for another machine; it is said after the first steps"
    return f"roughly {show_duration(seconds)} per fold on this machine, and its validation at the end"
