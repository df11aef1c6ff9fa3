"""Plans that train in a given time: fewer steps first, then smaller steps, then another configuration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from planners.choices import resolve
from planners.editing.option_checks import check_hours
from planners.machine import MachineProfile
from planners.networks.topology import pad_up
from planners.parts import NETWORKS
from planners.plan import Configuration, Decision, Plan
from planners.rules.schedule import GPU_ITERATIONS, long_optimizer, short_optimizer
from planners.sizing.budgets import Economy
from planners.sizing.configurations import Basis, Planned, plan_configurations
from planners.sizing.growth import list_sizes

# Of a step, however small its network: of two patches of 16x16x16 voxels and 4 and 8 features, 6 to 8 ms on a CPU.
LEAST_STEP_SECONDS = 0.006
# Of the time, what optimiser steps take; the rest is validation, and starting up.
STEPPING_SHARE = 0.9
# Steps are made cheaper until so many fit, as long as a patch sees enough.
LEAST_STEPS = 2_000
# Only for so few do patches see less.
FEWEST_STEPS = 300
# From here on momentum gets further than Adam, as the field trains; not measured here.
LONG_STEPS = 20_000
# Voxels of a patch against those of the plan without a budget, in turns, as long as it has ENOUGH or sees SEEN_SHARE of
# the median body; then a thin finest level, then single patches, at last patches down to SMALLEST (experiments/LOG.md,
# "The most from minutes of a CPU", "What a patch sees").
PATCH_SHARES = (1.0, 0.5, 0.25, 0.125)
SEEN_SHARE = 0.4
# That of 48x56x48 voxels.
ENOUGH = 130_000
# That of 32x40x32 voxels: with fewer, a brain loses the coarsest of four levels.
SMALLEST = 41_000

PREFERRED = ("3d_fullres", "3d_lowres", "2d")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """Number of steps of a configuration that fit into a time.

    Attributes:
        multiplications: multiply-adds of the forward passes of one step.
        seconds: of one step, predicted.
        steps: that fit into the time.
    """

    multiplications: int
    seconds: float
    steps: int


def plan_within(fingerprint: DatasetFingerprint, basis: Basis, max_hours: float) -> Planned:
    """Plan configurations of which each trains in a number of hours per fold.

    Where the machine's speed was not measured the plan stays as it is without a budget: `train` holds to the clock.

    Raises:
        PlanError: the time is not above 0, or the memory is too small for any network.
    """
    check_hours("--max-hours", max_hours)
    if basis.resources.machine.multiplications_per_second is None:
        planned = plan_configurations(fingerprint, basis)
        return replace(planned, decisions=(*planned.decisions, _unknown_speed(max_hours)))
    if not basis.fixed:
        basis = _sized_for_either_optimizer(basis)
    planned = plan_configurations(fingerprint, basis)
    for enough, economy in _economise(basis, planned):
        if _pace(_main(planned), basis, max_hours).steps >= enough:
            continue
        try:
            planned = plan_configurations(fingerprint, replace(basis, rules=basis.rules.economise(economy)))
        except PlanError:  # No smaller patch can be halved.
            break
    paces = {entry.name: _pace(entry, basis, max_hours) for entry in planned.configurations}
    configurations = tuple(_with_steps(entry, paces[entry.name].steps, basis) for entry in planned.configurations)
    reasons = (_explain_steps(entry, paces[entry.name], basis, max_hours) for entry in configurations)
    order = tuple(dict.fromkeys((planned.default, *PREFERRED))) if basis.has_wishes() else PREFERRED
    default, first = choose_default({name: pace.steps for name, pace in paces.items()}, planned.default, order)
    kept = (decision for decision in planned.decisions if decision.field != first.field)
    return replace(
        planned,
        configurations=configurations,
        decisions=(*kept, *reasons, first),
        default=default,
    )


def steps_within(configuration: Configuration, plan: Plan) -> int | None:
    """Return the number of steps that fit into the time that a plan is made for; None without a time, or a speed.

    Args:
        configuration: of which a value was changed that steps take more or less time by.
        plan: that it is of.
    """
    seconds = predict_plan_step(plan, configuration)
    return None if plan.max_hours is None or seconds == math.inf else _fit_steps(plan.max_hours, seconds)


def predict_plan_step(plan: Plan, configuration: Configuration) -> float:
    """Predict the seconds of one optimiser step of a plan's configuration on its machine; see `predict_step`."""
    inputs, outputs = plan.input_channels(configuration), plan.output_channels(configuration)
    return predict_step(configuration, inputs, outputs, plan.machine)


def predict_step(configuration: Configuration, channels: int, outputs: int, machine: MachineProfile) -> float:
    """Predict the seconds of one optimiser step; infinity where the machine's speed was not measured."""
    speed = machine.multiplications_per_second
    if not speed:
        return math.inf
    return max(LEAST_STEP_SECONDS, count_multiplications(configuration, channels, outputs) / speed)


def count_multiplications(configuration: Configuration, channels: int, outputs: int) -> int:
    """Return the multiply-adds of the forward passes of one step, the mean of all sizes that batches grow through."""
    counts = [count_at_size(size, channels, outputs) for size in list_sizes(configuration)]
    return round(sum(counts) / len(counts))


def count_at_size(configuration: Configuration, channels: int, outputs: int) -> int:
    """Return the multiply-adds of the forward passes of one planned batch; to recompute it costs a third more."""
    network = resolve(configuration.network, NETWORKS, "network")
    layers = network.layers(channels, outputs, pad_up(configuration.network_patch(), network.divisors()))
    count = configuration.batch_size * layers.multiplications()
    # A backward pass costs two forward passes: four are done instead of three.
    return count * 4 // 3 if configuration.training.recomputed else count


def _sized_for_either_optimizer(basis: Basis) -> Basis:
    """Return the basis with memory counted for AdamW, which remembers more than momentum does."""
    training = replace(basis.resources.training, optimizer=short_optimizer()[0])
    return replace(basis, resources=replace(basis.resources, training=training))


def _main(planned: Planned) -> Configuration:
    return next(entry for entry in planned.configurations if entry.name == planned.default)


def _economise(basis: Basis, planned: Planned) -> Iterator[tuple[int, Economy]]:
    """Yield wishes for cheaper and cheaper steps, each with the number of steps from which on it is not needed.

    None where the planner's sizes are a promise.
    """
    if basis.fixed:
        return
    voxels = math.prod(_main(planned).patch_shape)
    least = min(SMALLEST, voxels)
    seen = math.ceil(SEEN_SHARE * _count_body_voxels(_main(planned), basis))
    seeing = min(voxels, ENOUGH, max(least, seen))
    sizes = tuple(dict.fromkeys(max(least, int(share * voxels)) for share in PATCH_SHARES))
    for size in dict.fromkeys(max(seeing, size) for size in sizes):
        yield LEAST_STEPS, Economy(patch_voxels=size)
    yield LEAST_STEPS, Economy(patch_voxels=seeing, thin=True)
    yield LEAST_STEPS, Economy(patch_voxels=seeing, thin=True, single=True)
    for size in sizes:
        if size < seeing:
            yield FEWEST_STEPS, Economy(patch_voxels=size, thin=True, single=True)


def _count_body_voxels(configuration: Configuration, basis: Basis) -> float:
    """Return the voxels of the median body, or of its slice, that patches of a configuration are taken from."""
    resolution = basis.resolution
    lengths = zip(resolution.median_shape, resolution.spacing_mm, configuration.preprocessing.spacing_mm, strict=True)
    edges = [length * full / own for length, full, own in lengths]
    return math.prod(edge for axis, edge in enumerate(edges) if axis != configuration.slice_axis)


def _pace(configuration: Configuration, basis: Basis, max_hours: float) -> Pace:
    resources = basis.resources
    targets = resources.outputs - resources.exclusive
    channels = configuration.input_channels(resources.channels, targets * len(configuration.masks()))
    seconds = predict_step(configuration, channels, resources.outputs, resources.machine)
    return Pace(
        multiplications=count_multiplications(configuration, channels, resources.outputs),
        seconds=seconds,
        steps=_fit_steps(max_hours, seconds),
    )


def _fit_steps(max_hours: float, seconds: float) -> int:
    return max(1, min(GPU_ITERATIONS, int(STEPPING_SHARE * max_hours * 3600 / seconds)))


def _with_steps(configuration: Configuration, steps: int, basis: Basis) -> Configuration:
    training = replace(configuration.training, iterations=steps)
    if not basis.fixed:
        optimizer, schedule = long_optimizer() if steps >= LONG_STEPS else short_optimizer()
        training = replace(training, optimizer=optimizer, schedule=schedule)
    return replace(configuration, training=training)


def choose_default(
    steps: Mapping[str, int], otherwise: str, preferred: Sequence[str] = PREFERRED
) -> tuple[str, Decision]:
    """Return the configuration to use by default, and why: the first that has time for enough steps.

    Args:
        steps: that fit into the time, by configuration.
        otherwise: where none has enough.
        preferred: names in order.
    """
    enough = [name for name in preferred if steps.get(name, 0) >= FEWEST_STEPS]
    default = enough[0] if enough else otherwise
    return default, Decision(
        field="default_configuration",
        value=default,
        rule=f"The first of {', '.join(preferred)} that has time for {FEWEST_STEPS:,} steps.",
        evidence=", ".join(f"{name} {count:,}" for name, count in steps.items()),
        change="more hours, or a faster machine",
    )


def _explain_steps(configuration: Configuration, pace: Pace, basis: Basis, max_hours: float) -> Decision:
    speed = basis.resources.machine.multiplications_per_second or 0.0
    rule = f"As many steps as fit into the time, at most {GPU_ITERATIONS:,}."
    if not basis.fixed:
        rule += (
            f" Below {LEAST_STEPS:,}, patches shrink to {SEEN_SHARE:.0%} of the body or {ENOUGH:,} voxels, then the "
            f"finest level gets thin, and batches single patches; below {FEWEST_STEPS:,}, patches shrink further. "
            f"Below {LONG_STEPS:,}, AdamW replaces momentum."
        )
    return Decision(
        field=f"{configuration.name}.training.iterations",
        value=f"{pace.steps:,} with {configuration.training.optimizer.name}",
        rule=rule,
        evidence=f"{show_duration(3600 * max_hours)} per fold; a step of "
        f"{pace.multiplications / 1e9:,.0f} billion multiply-adds "
        f"takes {pace.seconds:.3g} s at {speed / 1e9:,.1f} billion per second, as measured here",
        change="another --max-minutes or --max-hours, or another machine",
    )


def _unknown_speed(max_hours: float) -> Decision:
    return Decision(
        field="max_hours",
        value=f"{max_hours:g}",
        rule="The machine that will train is elsewhere, and its speed unknown: the plan is that without a time budget.",
        evidence="no speed was measured",
        change="planning on the machine that trains; `train` holds to the clock either way",
    )
