"""A smaller plan of the same shape, to try out what is too large to be trained where it is tried."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.geometry import Triple, show_lengths
from planners.choices import choose, resolve
from planners.editing.contradictions import refuse_contradictions
from planners.editing.option_checks import show_value
from planners.editing.plan_checks import check_plan
from planners.networks.memory_decisions import explain_memory
from planners.parts import NETWORKS
from planners.parts.networks import NetworkOptions
from planners.plan import Configuration, Decision, Plan

# Beyond it nothing shrinks any more.
MOST = 1024.0
# Voxels along each axis of the coarsest feature map, for norms over a map of one voxel fail; fewer where the plan at
# full size has fewer.
LEAST_COARSEST = 2
FIELD = "scale"
_CHANGE = "another --scale; without it, the plan at full size"


def check_scale(factor: object) -> None:
    """Make sure that a plan can be divided by a factor.

    Raises:
        PlanError: it cannot.
    """
    number = isinstance(factor, int | float) and not isinstance(factor, bool)
    if not number or not 1 <= factor <= MOST:  # type: ignore[operator]
        raise PlanError(
            f"--scale is {show_value(factor)}. Expected 1 (full size) to {MOST:g}: what features, patch and batch are "
            "divided by, such as 8."
        )


def scale_plan(plan: Plan, factor: float) -> Plan:
    """Return a plan whose networks keep their layers, and whose features, patches and batches are divided.

    Voxel size, loss, optimiser, schedule, steps and numbers of patches in `sampling` stay. Each changed value is a
    decision that names the value at full size.

    Args:
        plan: at full size.
        factor: 1 changes nothing.

    Raises:
        PlanError: the factor is below 1, or no number; or a network cannot be made narrower.
    """
    check_scale(factor)
    if factor == 1:
        return plan
    pairs = [(entry, _scale(entry, factor)) for entry in plan.configurations]
    reasons = [reason for before, after in pairs for reason in _explain(before, after, plan, factor)]
    overruled = {reason.field for reason in reasons}
    kept = (entry for entry in plan.decisions if entry.field not in overruled)
    scaled = replace(
        plan,
        scale=plan.scale * factor,
        configurations=tuple(after for _, after in pairs),
        decisions=(_explain_scale(plan, factor), *kept, *reasons),
    )
    check_plan(scaled)
    refuse_contradictions(scaled)
    return explain_memory(scaled)


def _scale(configuration: Configuration, factor: float) -> Configuration:
    network = resolve(configuration.network, NETWORKS, "network")
    if not callable(getattr(network, "scaled", None)):
        raise PlanError(
            f"{configuration.name}: the network {configuration.network.name} cannot be made narrower, so that --scale "
            "has no meaning: its options lack the method scaled(factor). Leave out --scale, or give the options that "
            "method (planners.parts.networks.NetworkOptions)."
        )
    narrower, tile = network.scaled(factor), configuration.prediction.tile_shape
    if tile is not None:
        tile = _scale_patch(replace(configuration, patch_shape=tile), narrower, factor)
    return replace(
        configuration,
        network=choose(configuration.network.name, narrower),
        patch_shape=_scale_patch(configuration, narrower, factor),
        prediction=replace(configuration.prediction, tile_shape=tile),
        batch_size=max(1, round(configuration.batch_size / factor)),
    )


def _scale_patch(configuration: Configuration, network: NetworkOptions, factor: float) -> Triple:
    """Return the patch divided, as multiples of what the network needs; the sliced axis stays, and what is shorter."""
    patch = list(configuration.patch_shape)
    for axis, divisor in zip(configuration.network_axes(), network.divisors(), strict=True):
        fewest = max(1, min(patch[axis] // divisor, LEAST_COARSEST))
        divided = max(fewest, math.floor(patch[axis] / factor / divisor + 0.5)) * divisor
        patch[axis] = min(patch[axis], divided)
    return (patch[0], patch[1], patch[2])


def _explain_scale(plan: Plan, factor: float) -> Decision:
    return Decision(
        field=FIELD,
        value=f"{plan.scale * factor:g}",
        rule="A deviation, to try the plan out: features, patches and batches are divided by it (--scale), layers and "
        "steps stay. Such results say nothing of the plan at full size.",
        evidence="asked for by --scale",
        change=_CHANGE,
    )


def _explain(before: Configuration, after: Configuration, plan: Plan, factor: float) -> Iterator[Decision]:
    reasons = {entry.field: entry.rule for entry in plan.decisions}
    for name, full, small in _changes(before, after):
        field = f"{before.name}.{name}"
        why = f" ({reasons[field].rstrip('.')})" if field in reasons else ""
        yield Decision(
            field=field,
            value=small,
            rule=f"A deviation: divided by {factor:g} (--scale), as far as the network allows.",
            evidence=f"at full size it is {full}{why}",
            change=_CHANGE,
        )


def _changes(before: Configuration, after: Configuration) -> Iterator[tuple[str, str, str]]:
    """Yield the fields that differ, with both values in words."""
    rows: Sequence[tuple[str, str, str]] = (
        ("patch_shape", show_lengths(before.network_patch()), show_lengths(after.network_patch())),
        ("batch_size", str(before.batch_size), str(after.batch_size)),
        ("network", _describe(before), _describe(after)),
    )
    yield from (row for row in rows if row[1] != row[2])


def _describe(configuration: Configuration) -> str:
    return resolve(configuration.network, NETWORKS, "network").describe()
