"""The page that `explain` shows first: what a plan is, how long it takes, and why its main values are what they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.geometry import show_spacing
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title
from dataset_fingerprints.sizes import GIB, show_gib
from planners.choices import resolve
from planners.defaults import is_full_size
from planners.editing.explain import Section, describe_memory, describe_scale, say_plainly
from planners.networks.memory_decisions import predict_configuration
from planners.parts import NETWORKS
from planners.plan import Configuration, Decision, Plan
from planners.rules.strategy_words import WOULD
from planners.sizing.growth import describe_patch
from planners.time_budget import STEPPING_SHARE, predict_plan_step

# The ends of the fields of decisions that are reported first, in this order.
MAIN = ("machine.device", "preprocessing.spacing_mm", "patch_shape", "batch_size", "training.iterations", "tuning")


# A time that was planned for is named again where trained folds took longer than this many times as long.
SLOWER = 1.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Facts that are known beside a plan.

    Attributes:
        folds: of the cross-validation, in words; empty where nothing is known of the cases.
        fold_count: how many there are.
        seconds_per_step: of configurations that were trained, with their validation.
    """

    folds: str = ""
    fold_count: int = 0
    seconds_per_step: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One decision in two lines."""

    what: str
    value: str
    why: str


def brief_sections(plan: Plan, known: Known) -> tuple[Section, ...]:
    """Return what the plan is, and its configurations side by side, as tables of a few rows."""
    return (_show_plan(plan, known), _show_configurations(plan, known))


def main_reasons(plan: Plan) -> tuple[Reason, ...]:
    """Return why the main values of the default configuration are what they are."""
    found = (_find_decision(plan, end) for end in MAIN)
    main = [Reason(what=say_plainly(one.field), value=one.value, why=one.rule) for one in found if one is not None]
    return (*main, *_list_unused_rules(plan))


def _list_unused_rules(plan: Plan) -> tuple[Reason, ...]:
    """Return in one row which rules are off that would have changed the plan."""
    rules = (one for one in plan.decisions if one.field.startswith("rules."))
    names = [one.field.partition(".")[2] for one in rules if WOULD in one.value]
    if not names:
        return ()
    why = (
        "They would have changed this plan, by what a published work found. None was tested here. Each with its "
        "evidence: `autoseg explain --all`; to take one: --rule NAME=on."
    )
    return (Reason(what="Rules that are off", value=", ".join(names), why=why),)


def expect_seconds(plan: Plan, configuration: Configuration, known: Known) -> float:
    """Return how long one fold is expected to train and to be validated on the way; infinity if it is not known.

    Steps of a plan that was made smaller take longer than their arithmetic, by which alone they would be predicted.
    """
    measured = known.seconds_per_step.get(configuration.name)
    if measured is None and not is_full_size(plan.scale):
        return math.inf
    if measured is None:
        measured = predict_plan_step(plan, configuration) / STEPPING_SHARE
    return measured * configuration.training.iterations


def _show_plan(plan: Plan, known: Known) -> Section:
    default = next(entry for entry in plan.configurations if entry.name == plan.default_configuration)
    names = [label.name for label in plan.scheme.regions or plan.scheme.labels]
    others = [entry.name for entry in plan.configurations if entry != default]
    alternatives = f" (or, with -c: {', '.join(others)})" if others else ""
    rows = (
        ("data set", f"{plan.dataset}; channels: {', '.join(plan.channels)}"),
        ("regions" if plan.scheme.regions else "labels", ", ".join(names)),
        ("made for", _show_machine(plan)),
        ("configuration", f"{default.name}{alternatives}"),
        ("predicts with", _show_ensemble(plan)),
        ("folds", known.folds),
        ("expected time", _show_time(plan, default, known)),
        ("planner", plan.planner),
        ("scale", describe_scale(plan.scale)),
    )
    title = mark_title(f"Plan {plan.name}", plan.simulated)
    return Section(title=title, columns=("what", "value"), rows=tuple(row for row in rows if row[1]))


def _show_ensemble(plan: Plan) -> str:
    """Return which configurations predict together, and how they are trained; empty where it is one alone."""
    names = " and ".join(plan.ensemble)
    return f"{names} together; each is trained by its own `autoseg train all -c NAME`" if plan.ensemble[1:] else names


def _show_machine(plan: Plan) -> str:
    machine = plan.machine
    if machine.device == "cpu":
        return f"a CPU ({machine.name}, {counted(machine.cores, 'core')}), {describe_memory(plan)}"
    return f"{machine.name}, {describe_memory(plan)}"


def _show_time(plan: Plan, configuration: Configuration, known: Known) -> str:
    seconds, steps = expect_seconds(plan, configuration, known), configuration.training.iterations
    if math.isinf(seconds):
        budget = f"planned for {plan.max_hours:g} h per fold; " if plan.max_hours else ""
        why = (
            "the speed of that machine was not measured" if is_full_size(plan.scale) else "small steps are not foreseen"
        )
        return (
            f"{budget}not known: {steps:,} steps, and {why}. `autoseg explain --cost` measures it, `autoseg train` "
            "says it after its first steps, and --max-minutes sets it"
        )
    how = "as its trained folds took" if configuration.name in known.seconds_per_step else "as measured here"
    planned = _hold_to_plan(plan, seconds)
    if planned < seconds:
        return (
            f"{show_duration(planned)} per fold, which it was planned for{_count_folds(planned, known)}. All "
            f"{steps:,} steps would take about {show_duration(seconds)} on this machine, {how}: `autoseg train` makes "
            "as many as fit"
        )
    return (
        f"about {show_duration(seconds)} per fold on this machine for {steps:,} steps, "
        f"{how}{_count_folds(seconds, known)}"
    )


def _hold_to_plan(plan: Plan, seconds: float) -> float:
    """Return the time that was planned for, where the steps would take more: a training is held to it; else theirs."""
    planned = 3600 * (plan.max_hours or math.inf)
    return planned if seconds > SLOWER * planned else seconds


def _count_folds(seconds: float, known: Known) -> str:
    """Return how long all folds take, where there are several."""
    return f", {show_duration(seconds * known.fold_count)} for all {known.fold_count}" if known.fold_count > 1 else ""


def _show_configurations(plan: Plan, known: Known) -> Section:
    described = [_describe(plan, configuration, known) for configuration in plan.configurations]
    rows = tuple((name, *(values[name] for values in described)) for name in described[0])
    columns = ("what", *(configuration.name for configuration in plan.configurations))
    return Section(title="Configurations", columns=columns, rows=rows)


def _describe(plan: Plan, configuration: Configuration, known: Known) -> dict[str, str]:
    seconds = expect_seconds(plan, configuration, known)
    return {
        "voxel size": f"{show_spacing(configuration.preprocessing.spacing_mm)} mm",
        "patch": describe_patch(configuration),
        "batch": counted(configuration.batch_size, "patch", "patches"),
        "memory to train": f"{show_gib(predict_configuration(plan, configuration).total() / GIB)}",
        "network": resolve(configuration.network, NETWORKS, "network").describe(),
        "steps": f"{configuration.training.iterations:,}",
        "time per fold": "not known" if math.isinf(seconds) else f"about {show_duration(_hold_to_plan(plan, seconds))}",
    }


def _find_decision(plan: Plan, end: str) -> Decision | None:
    """Return the default configuration's decision on a field, or else that of all configurations."""
    fields = {decision.field: decision for decision in plan.decisions}
    return fields.get(f"{plan.default_configuration}.{end}", fields.get(end))
