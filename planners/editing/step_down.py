"""One size smaller: what is trained when the planned size turns out too large for the memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.geometry import show_lengths
from planners.choices import resolve
from planners.parts import NETWORKS
from planners.plan import Configuration
from planners.step_sizes import StepDown, StepSize

LEAST_BATCH = 2
SHARE_KEPT = 0.75
# Voxels along an axis of the coarsest feature map; on maps of two a CPU does not train in bfloat16
# (experiments/LOG.md, "Memory that nobody wrote").
LEAST_COARSEST = 3


def step_down(configuration: Configuration, evidence: str, memory_gb: float) -> tuple[Configuration, StepDown]:
    """Return a configuration a step smaller, and the step; the network keeps its weights' shapes.

    The first step computes feature maps again instead of keeping them, and changes no result. Each further one takes a
    quarter of the batch away, at least one patch and down to two; then the longest edge of the patch becomes the next
    smaller multiple of the network's divisor; then the batch is one patch.

    Args:
        configuration: as it ran out of memory.
        evidence: where and how it did.
        memory_gb: that the plan was made for.

    Raises:
        PlanError: there is nothing smaller.
    """
    smaller = _shrink(configuration)
    if smaller is None:
        raise PlanError(
            f"{configuration.name}: runs out of memory with a single patch of "
            f"{show_lengths(configuration.patch_shape)} voxels ({evidence}), and the network needs at least that. Plan "
            f"again with less memory to fill (for a GPU with `plan_and_preprocess --gpu-memory-gb "
            f"{max(1.0, memory_gb / 2):.2g}`), or use another configuration."
        )
    return smaller, StepDown(before=_size_of(configuration), after=_size_of(smaller), evidence=evidence)


def repeat_steps(
    configuration: Configuration, steps: Sequence[StepDown], memory_gb: float
) -> tuple[Configuration, tuple[StepDown, ...]]:
    """Return the configuration as much smaller as another fold of it was made, if that began at the same size."""
    repeated: list[StepDown] = []
    for step in steps:
        if step.before != _size_of(configuration):
            break
        configuration, again = step_down(configuration, step.evidence, memory_gb)
        repeated.append(again)
    return configuration, tuple(repeated)


def _size_of(configuration: Configuration) -> StepSize:
    return StepSize(
        batch_size=configuration.batch_size,
        patch_shape=configuration.patch_shape,
        recomputed=configuration.training.recomputed,
    )


def _shrink(configuration: Configuration) -> Configuration | None:
    training, network = configuration.training, resolve(configuration.network, NETWORKS, "network")
    if not training.recomputed and network.recomputable():
        return replace(configuration, training=replace(training, recomputed=True))
    batch = configuration.batch_size
    if batch > LEAST_BATCH:
        return replace(configuration, batch_size=max(LEAST_BATCH, min(batch - 1, math.floor(batch * SHARE_KEPT))))
    patch, axes = list(configuration.patch_shape), configuration.network_axes()
    divisors = dict(zip(axes, network.divisors(), strict=True))
    halvable = [axis for axis in axes if patch[axis] > LEAST_COARSEST * divisors[axis]]
    if halvable:
        longest = max(halvable, key=lambda axis: patch[axis])
        patch[longest] = (patch[longest] - 1) // divisors[longest] * divisors[longest]
        return replace(configuration, patch_shape=(patch[0], patch[1], patch[2]))
    return replace(configuration, batch_size=1) if batch > 1 else None
