"""One size smaller: what is trained when the planned size turns out too large for the memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from dataset_fingerprints.errors import PlanError
from planners.networks.memory_decisions import explain_memory
from planners.networks.topology import find_divisors
from planners.plan import Configuration, Decision, Plan

RULE = (
    "The planned size ran out of memory. The first step down computes feature maps again instead of keeping them, and "
    "changes no result. Each further one takes a quarter of the batch away, at least one patch and down to two; then "
    "the longest edge of the patch loses one divisor of the network; then the batch is one patch."
)
TOO_MUCH = " was too much: "
LEAST_BATCH = 2
SHARE_KEPT = 0.75
# Voxels along an axis of the coarsest feature map. On maps of 2x2x3 a CPU's convolutions go wrong in bfloat16
# (experiments/LOG.md, "unwritten memory").
LEAST_COARSEST = 3


def step_down(plan: Plan, name: str, evidence: str) -> Plan:
    """Return the plan with one configuration a step smaller; its network keeps its weights' shapes.

    Args:
        plan: as it ran out of memory.
        name: of the configuration.
        evidence: where and how it did.

    Raises:
        PlanError: there is nothing smaller.
    """
    (configuration,) = (entry for entry in plan.configurations if entry.name == name)
    smaller = _shrink(configuration)
    if smaller is None:
        raise PlanError(
            f"plan {plan.name}: {name} runs out of memory with a single patch of {_times(configuration)} voxels "
            f"({evidence}), and the network needs at least that. Plan again with less memory to fill, for example "
            f"`plan_and_preprocess --gpu-memory-gb {max(1.0, plan.memory_gb / 2):.2g}`, or use another configuration."
        )
    decision = Decision(
        field=f"{name}.{_changed(configuration, smaller)}",
        value=_describe(smaller),
        rule=RULE,
        evidence=f"{_describe(configuration)}{TOO_MUCH}{evidence}",
        change="a card with more memory, or other programs off this one",
    )
    configurations = tuple(smaller if entry is configuration else entry for entry in plan.configurations)
    return explain_memory(replace(plan, configurations=configurations, decisions=(*plan.decisions, decision)))


def find_steps(plan: Plan) -> tuple[Decision, ...]:
    """Return the decisions that steps down left in a plan, in their order."""
    return tuple(decision for decision in plan.decisions if decision.rule == RULE)


def repeat_steps(plan: Plan, name: str, steps: Sequence[Decision]) -> Plan:
    """Return the plan as much smaller as another fold of the configuration was made, if it began at the same size."""
    for step in steps:
        (configuration,) = (entry for entry in plan.configurations if entry.name == name)
        tried, _, evidence = step.evidence.partition(TOO_MUCH)
        if tried != _describe(configuration):
            break
        plan = step_down(plan, name, evidence)
    return plan


def _shrink(configuration: Configuration) -> Configuration | None:
    training = configuration.training
    # Recomputing would let batch norms see every batch twice.
    if not training.recomputed and configuration.network.options.get("norm") != "batch":
        return replace(configuration, training=replace(training, recomputed=True))
    batch = configuration.batch_size
    if batch > LEAST_BATCH:
        return replace(configuration, batch_size=max(LEAST_BATCH, min(batch - 1, math.floor(batch * SHARE_KEPT))))
    patch, axes = list(configuration.patch_shape), configuration.network_axes()
    divisors = dict(zip(axes, find_divisors(configuration.topology.strides), strict=True))
    room = [axis for axis in axes if patch[axis] > LEAST_COARSEST * divisors[axis]]
    if room:
        longest = max(room, key=lambda axis: patch[axis])
        patch[longest] -= divisors[longest]
        return replace(configuration, patch_shape=(patch[0], patch[1], patch[2]))
    return replace(configuration, batch_size=1) if batch > 1 else None


def _changed(before: Configuration, after: Configuration) -> str:
    if before.training != after.training:
        return "training.recomputed"
    return "patch_shape" if before.patch_shape != after.patch_shape else "batch_size"


def _describe(configuration: Configuration) -> str:
    how = ", feature maps computed again" if configuration.training.recomputed else ""
    return f"a batch of {configuration.batch_size} patches of {_times(configuration)}{how}"


def _times(configuration: Configuration) -> str:
    return "x".join(str(length) for length in configuration.patch_shape)
