"""How large patch and batch may become: as much of the anatomy as the memory, or the time on a CPU, allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dataset_fingerprints.errors import PlanError
from planners.memory import count_feature_map_elements
from planners.plan import Topology
from planners.topology import MIN_EDGE, build_plain_topology, choose_pooling, find_divisors, pad_up

MIN_BATCH = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeRules:
    """The numbers that decide patch, network and batch for one number of axes.

    Attributes:
        initial_edge: of the cube (square) whose volume (area) the first patch has, before it is clipped to the body.
        max_batch: never exceeded.
        max_data_share: a batch holds at most this share of the data set's voxels.
    """

    initial_edge: int
    base_features: int
    max_features: int
    max_stages: int
    max_batch: int
    max_data_share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What one batch may cost; a patch has to be such that at least two fit.

    Attributes:
        elements: feature-map values of the whole batch (`count_feature_map_elements`).
        patch_voxels: of one patch.
        batch_voxels: of the whole batch, as far as two patches stay below it.
    """

    elements: float
    patch_voxels: float
    batch_voxels: float


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What a configuration sees of the data, its two or three axes in the order of the sizing rules.

    Attributes:
        median_shape: of the resampled body boxes, in voxels.
        data_set_voxels: median voxels of a scan times the number of scans.
        outputs: channels of the network's head.
    """

    spacing_mm: tuple[float, ...]
    median_shape: tuple[float, ...]
    data_set_voxels: float
    outputs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """A patch, its network and the batch; axes as in the `View` it was chosen for.

    Attributes:
        elements: feature-map values of one patch.
    """

    patch_shape: tuple[int, ...]
    topology: Topology
    elements: int
    batch_size: int


def choose_size(view: View, rules: SizeRules, budget: Budget) -> Size:
    """Start with a patch as large as the body, shrink it until two fit the budget, then fill the batch.

    The axis along which the patch covers most of the body is shrunk first, by one step of the network's divisors
    (Isensee 2021).

    Raises:
        PlanError: not even the smallest patch fits.
    """
    size = _build_size(_choose_initial_patch(view, rules), view, rules)
    while not _fits(size, budget):
        size = _shrink(size, view, rules)
    return Size(
        patch_shape=size.patch_shape,
        topology=size.topology,
        elements=size.elements,
        batch_size=_choose_batch_size(size, view, rules, budget),
    )


def _choose_initial_patch(view: View, rules: SizeRules) -> tuple[float, ...]:
    """Return a patch of equal lengths in mm, clipped to the median body; long enough to be halved once."""
    axes = len(view.spacing_mm)
    scale = (rules.initial_edge**axes * math.prod(view.spacing_mm)) ** (1 / axes)
    patch = tuple(
        min(round(scale / spacing), length) for spacing, length in zip(view.spacing_mm, view.median_shape, strict=True)
    )
    if len(choose_pooling(view.spacing_mm, patch, rules.max_stages).strides) > 1:
        return patch
    return tuple(max(length, 3 * MIN_EDGE) for length in patch)


def _build_size(patch: Sequence[float], view: View, rules: SizeRules) -> Size:
    pooling = choose_pooling(view.spacing_mm, patch, rules.max_stages)
    topology = build_plain_topology(pooling, rules.base_features, rules.max_features)
    shape = pad_up(patch, pooling.divisors)
    elements = count_feature_map_elements(topology, shape, view.outputs, residual=False, deep_supervision=False)
    return Size(patch_shape=shape, topology=topology, elements=elements, batch_size=MIN_BATCH)


def _fits(size: Size, budget: Budget) -> bool:
    voxels = math.prod(size.patch_shape)
    return size.elements * MIN_BATCH <= budget.elements and voxels <= budget.patch_voxels


def _shrink(size: Size, view: View, rules: SizeRules) -> Size:
    """Return the next smaller size.

    The step is the divisor that the network for the shrunk patch would have. Where padding up to that network's
    divisors undoes the step, a larger one is taken.
    """
    patch = list(size.patch_shape)
    covered = [length / median for length, median in zip(patch, view.median_shape, strict=True)]
    axis = max(range(len(patch)), key=lambda candidate: (covered[candidate], candidate))
    divisor = find_divisors(size.topology.strides)[axis]
    trial = [length - divisor * (position == axis) for position, length in enumerate(patch)]
    step = choose_pooling(view.spacing_mm, trial, rules.max_stages).divisors[axis] if trial[axis] > 0 else divisor
    for shrunk in range(patch[axis] - step, 0, -step):
        patch[axis] = shrunk
        smaller = _build_size(patch, view, rules)
        if math.prod(smaller.patch_shape) < math.prod(size.patch_shape) and len(smaller.topology.strides) > 1:
            return smaller
    raise PlanError(
        f"No plan fits: two patches of {'x'.join(map(str, size.patch_shape))} voxels are still too large for the "
        "memory, and no smaller patch can be pooled. Expected about 1 GB or more: give a larger memory budget."
    )


def _choose_batch_size(size: Size, view: View, rules: SizeRules, budget: Budget) -> int:
    voxels = math.prod(size.patch_shape)
    most = min(
        round(budget.elements / size.elements),
        round(view.data_set_voxels * rules.max_data_share / voxels),
        rules.max_batch,
    )
    if math.isfinite(budget.batch_voxels):
        most = min(most, int(budget.batch_voxels / voxels))
    return max(MIN_BATCH, most)
