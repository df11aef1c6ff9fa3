"""Size of patch and batch: as much of the anatomy as the memory, or the time on a CPU, allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dataset_fingerprints.errors import PlanError
from planners.networks.topology import MIN_EDGE, PLAIN_FINEST, Finest, choose_pooling, pad_up, shape_network
from planners.parts.networks import BlockName, UNetOptions
from planners.parts.networks.recalibration import AttentionName


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeRules:
    """The numbers that decide patch, network and batch for one number of axes.

    Attributes:
        initial_edge: of the cube (square) whose volume (area) the first patch has, before it is clipped to the body.
        max_batch: never exceeded.
        min_batch: trained whatever a step may cost, as long as the memory holds it.
        max_data_share: a batch holds at most this share of the data set's voxels.
        finest: what is other on the finest level.
        attention: what weighs the channels of every level.
    """

    block: BlockName
    initial_edge: int
    base_features: int
    max_features: int
    max_levels: int
    max_batch: int
    max_data_share: float
    finest: Finest = PLAIN_FINEST
    min_batch: int = 2
    attention: AttentionName = "none"

    def finest_convolutions(self) -> tuple[int, int]:
        """Return how many convolutions followed by a norm encoder and decoder have at full resolution."""
        encoder, decoder = (2, 2) if self.block == "plain" else (3, 1)
        return encoder - self.finest.thin, max(1, decoder - self.finest.thin)

    def finest_features(self) -> int:
        """Return the features at full resolution."""
        return self.finest.features(self.base_features)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Data as a configuration sees them, with two or three axes in the order of the sizing rules.

    Attributes:
        median_shape: of the resampled body boxes, in voxels.
        data_set_voxels: median voxels of a scan times the number of scans.
    """

    spacing_mm: tuple[float, ...]
    median_shape: tuple[float, ...]
    data_set_voxels: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A patch and the network for it; axes as in the `View` they were made for."""

    patch_shape: tuple[int, ...]
    network: UNetOptions

    def voxels(self) -> int:
        """Return the voxels of the patch."""
        return math.prod(self.patch_shape)


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """A patch, its network and the batch; axes as in the `View` it was chosen for."""

    patch_shape: tuple[int, ...]
    network: UNetOptions
    batch_size: int


class Budget(Protocol):
    """Budget of one training step."""

    def most_voxels(self) -> float:
        """Return a number of voxels that no admitted patch exceeds."""
        ...

    def admits(self, candidate: Candidate) -> bool:
        """Return whether patches of this size can be trained with the smallest batch."""
        ...

    def fill(self, candidate: Candidate) -> int:
        """Return how many of them fit into one batch."""
        ...


def choose_size(view: View, rules: SizeRules, budget: Budget) -> Size:
    """Start with a patch as large as the body, shrink it until the budget admits it, then fill the batch.

    The axis along which the patch covers most of the body is shrunk first, by one step of the network's divisors
    (Isensee 2021).

    Raises:
        PlanError: not even the smallest patch fits.
    """
    candidate = _build_candidate(_choose_initial_patch(view, rules), view, rules)
    while not budget.admits(candidate):
        candidate = _shrink(candidate, view, rules)
    covered = round(view.data_set_voxels * rules.max_data_share / candidate.voxels())
    batch_size = min(budget.fill(candidate), covered, rules.max_batch)
    return Size(
        patch_shape=candidate.patch_shape, network=candidate.network, batch_size=max(rules.min_batch, batch_size)
    )


def _choose_initial_patch(view: View, rules: SizeRules) -> tuple[float, ...]:
    """Return a patch of equal lengths in mm, clipped to the median body; long enough to be halved once."""
    axes = len(view.spacing_mm)
    scale = (rules.initial_edge**axes * math.prod(view.spacing_mm)) ** (1 / axes)
    patch = tuple(
        min(round(scale / spacing), length) for spacing, length in zip(view.spacing_mm, view.median_shape, strict=True)
    )
    if len(choose_pooling(view.spacing_mm, patch, rules.max_levels).strides) > 1:
        return patch
    return tuple(max(length, 3 * MIN_EDGE) for length in patch)


def _build_candidate(patch: Sequence[float], view: View, rules: SizeRules) -> Candidate:
    pooling = choose_pooling(view.spacing_mm, patch, rules.max_levels)
    network = shape_network(pooling, rules.block, rules.base_features, rules.max_features, rules.finest)
    network = replace(network, attention=rules.attention)
    return Candidate(patch_shape=pad_up(patch, pooling.divisors), network=network)


def _shrink(candidate: Candidate, view: View, rules: SizeRules) -> Candidate:
    """Return the next smaller candidate.

    The step is the divisor that the network for the shrunk patch would have. Where padding up to that network's
    divisors undoes the step, a larger one is taken; where no step along the axis helps, the next axis is shrunk.
    """
    patch = candidate.patch_shape
    covered = [length / median for length, median in zip(patch, view.median_shape, strict=True)]
    for axis in sorted(range(len(patch)), key=lambda place: (covered[place], place), reverse=True):
        smaller = _shrink_along(axis, candidate, view, rules)
        if smaller is not None:
            return smaller
    raise PlanError(
        f"No plan fits: two patches of {'x'.join(map(str, candidate.patch_shape))} voxels are still too large for the "
        "memory, and no smaller patch can be pooled. Expected about 1 GiB or more: give a larger memory budget."
    )


def _shrink_along(axis: int, candidate: Candidate, view: View, rules: SizeRules) -> Candidate | None:
    patch = list(candidate.patch_shape)
    divisor = candidate.network.divisors()[axis]
    trial = [length - divisor * (position == axis) for position, length in enumerate(patch)]
    step = choose_pooling(view.spacing_mm, trial, rules.max_levels).divisors[axis] if trial[axis] > 0 else divisor
    for shrunk in range(patch[axis] - step, 0, -step):
        patch[axis] = shrunk
        smaller = _build_candidate(patch, view, rules)
        if smaller.voxels() < candidate.voxels() and len(smaller.network.strides) > 1:
            return smaller
    return None
