"""Budget of one training step: nnU-Net's count of feature maps, or bytes, and on a CPU time as well."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from dataset_fingerprints.sizes import GIB
from planners.machine import MachineProfile
from planners.networks.training_memory import (
    Execution,
    Shape,
    count_feature_map_elements,
    describe_execution,
    predict_memory,
)
from planners.parts.number_types import FULL_BYTES, HALF_BYTES
from planners.plan import Training
from planners.sizing.batches import Budget, Candidate, SizeRules

# The share of a device's memory that is planned for: the prediction may be wrong by the rest.
PLANNED_SHARE = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Resources that a plan may use, and what else its costs depend on.

    Attributes:
        channels: of the images.
        counted_outputs: channels of a head as nnU-Net counts them: background, every label or region, an ignore label.
        outputs: channels that a head has.
        exclusive: whether labels compete for a voxel.
        cases_gb: what all cases take while they wait for training.
    """

    machine: MachineProfile
    memory_gb: float
    channels: int
    counted_outputs: int
    outputs: int
    exclusive: bool
    training: Training
    cases_gb: float

    def execution(self) -> Execution:
        """Return how the network will be trained."""
        return describe_execution(self.training, self.machine, exclusive=self.exclusive)


@dataclass(frozen=True, kw_only=True, slots=True)
class Economy:
    """Wishes for cheaper steps.

    Attributes:
        patch_voxels: of a patch at most, and of a batch beyond the smallest.
        thin: whether the finest level has half of the features and one block less.
        single: whether a batch may be a single patch.
    """

    patch_voxels: int
    thin: bool = False
    single: bool = False


class DeviceRules(Protocol):
    """Rules by which a planner sizes patch, batch and network for one kind of device."""

    def sizes(self, axes: int) -> SizeRules:
        """Return the rules for networks of two or three axes."""
        ...

    def budget(self, axes: int, resources: Resources) -> Budget:
        """Return what a training step may cost."""
        ...

    def with_sizes(self, change: Callable[[SizeRules], SizeRules]) -> DeviceRules:
        """Return the same rules with other sizes, in 2D and 3D."""
        ...

    def economise(self, economy: Economy) -> DeviceRules:
        """Return rules for cheaper steps."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ElementRules:
    """nnU-Net's: feature maps are counted, and what fits grows linearly with the memory (Isensee 2021, 2024).

    Attributes:
        reference_2d: feature-map values of one patch of a batch that fits the reference memory.
        reference_3d: the same in 3D.
        batch_2d: patches of such a batch.
        batch_3d: the same in 3D.
        shrinks_to_pair: whether a patch may be as large as two of them fit, or as the reference is.
    """

    sizes_2d: SizeRules
    sizes_3d: SizeRules
    reference_2d: float
    reference_3d: float
    batch_2d: int
    batch_3d: int
    reference_memory_gb: float
    shrinks_to_pair: bool

    def sizes(self, axes: int) -> SizeRules:
        """Return the rules for networks of two or three axes."""
        return self.sizes_3d if axes == 3 else self.sizes_2d

    def with_sizes(self, change: Callable[[SizeRules], SizeRules]) -> ElementRules:
        """Return the same rules with other sizes, in 2D and 3D."""
        return replace(self, sizes_2d=change(self.sizes_2d), sizes_3d=change(self.sizes_3d))

    def economise(self, economy: Economy) -> ElementRules:
        """Return the same rules: these sizes are a promise."""
        return self

    def budget(self, axes: int, resources: Resources) -> Budget:
        """Return what a batch may cost; nothing but memory limits it."""
        reference, batch = (self.reference_3d, self.batch_3d) if axes == 3 else (self.reference_2d, self.batch_2d)
        reference *= resources.memory_gb / self.reference_memory_gb
        return ElementBudget(
            reference=reference,
            reference_batch=batch,
            largest=reference * batch / 2 if self.shrinks_to_pair else reference,
            outputs=resources.counted_outputs,
            sizes=self.sizes(axes),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ElementBudget:
    """Feature-map values that fit.

    Attributes:
        largest: that one patch may make.
    """

    reference: float
    reference_batch: int
    largest: float
    outputs: int
    sizes: SizeRules

    def most_voxels(self) -> float:
        """Return what no admitted patch can exceed: the finest level alone would make too many values."""
        return self.largest / (self.sizes.finest_features() * sum(self.sizes.finest_convolutions()))

    def admits(self, candidate: Candidate) -> bool:
        """Return whether one patch makes few enough values."""
        return self._count(candidate) <= self.largest

    def fill(self, candidate: Candidate) -> int:
        """Return how many patches make as many values as the reference batch."""
        return round(self.reference / self._count(candidate) * self.reference_batch)

    def _count(self, candidate: Candidate) -> int:
        return count_feature_map_elements(
            candidate.network, candidate.patch_shape, self.outputs, deep_supervision=False
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ByteRules:
    """Budget in bytes: the predicted peak of the training must fit, and waiting cases if there is space.

    Attributes:
        cases_share: of the memory that is left to waiting cases, if they need it.
        step_voxels: of a batch, more than which a step takes too long; two patches are trained all the same.
        step_voxels_per_core: the same for every core where a CPU trains; 0 for no such limit.
        least_step_voxels: whatever the number of cores.
        limits_patch: whether one patch must stay below `step_voxels`.
    """

    sizes_2d: SizeRules
    sizes_3d: SizeRules
    cases_share: float
    step_voxels: int
    step_voxels_per_core: int = 0
    least_step_voxels: int = 0
    limits_patch: bool = False

    def sizes(self, axes: int) -> SizeRules:
        """Return the rules for networks of two or three axes."""
        return self.sizes_3d if axes == 3 else self.sizes_2d

    def with_sizes(self, change: Callable[[SizeRules], SizeRules]) -> ByteRules:
        """Return the same rules with other sizes, in 2D and 3D."""
        return replace(self, sizes_2d=change(self.sizes_2d), sizes_3d=change(self.sizes_3d))

    def economise(self, economy: Economy) -> ByteRules:
        """Return rules for batches of the smallest number of patches."""

        def change(sizes: SizeRules) -> SizeRules:
            finest = replace(sizes.finest, thin=sizes.finest.thin or economy.thin)
            return replace(sizes, finest=finest, min_batch=1 if economy.single else sizes.min_batch)

        voxels = economy.patch_voxels
        return replace(self.with_sizes(change), step_voxels=voxels, step_voxels_per_core=0, limits_patch=True)

    def budget(self, axes: int, resources: Resources) -> Budget:
        """Return the memory that a step may take, and the voxels that it may look at."""
        cases = min(resources.cases_gb, self.cases_share * resources.memory_gb)
        voxels = self.step_voxels
        if self.step_voxels_per_core:
            by_cores = self.step_voxels_per_core * resources.machine.cores
            voxels = min(voxels, max(self.least_step_voxels, by_cores))
        return ByteBudget(
            memory_bytes=(PLANNED_SHARE * resources.memory_gb - cases) * GIB,
            patch_voxels=float(voxels) if self.limits_patch else math.inf,
            batch_voxels=voxels,
            sizes=self.sizes(axes),
            resources=resources,
            execution=resources.execution(),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ByteBudget:
    """Bytes that the peak may reach, and voxels that a patch and a batch may hold."""

    memory_bytes: float
    patch_voxels: float
    batch_voxels: int
    sizes: SizeRules
    resources: Resources
    execution: Execution

    def most_voxels(self) -> float:
        """Return what no admitted patch can exceed: what the finest level alone keeps of two would be too much."""
        value = HALF_BYTES if self.execution.half else FULL_BYTES
        kept = 2 * self.sizes.finest_features() * sum(self.sizes.finest_convolutions()) * value
        return min(self.patch_voxels, self.memory_bytes / (2 * kept))

    def admits(self, candidate: Candidate) -> bool:
        """Return whether two patches fit."""
        return candidate.voxels() <= self.patch_voxels and self._predict(candidate, 2) <= self.memory_bytes

    def fill(self, candidate: Candidate) -> int:
        """Return how many patches fit; each takes as much memory as any other."""
        one, two = self._predict(candidate, 1), self._predict(candidate, 2)
        by_memory = 1 + int((self.memory_bytes - one) / (two - one))
        return min(by_memory, self.batch_voxels // candidate.voxels())

    def _predict(self, candidate: Candidate, batch_size: int) -> int:
        shape = Shape(
            channels=self.resources.channels,
            outputs=self.resources.outputs,
            patch=candidate.patch_shape,
            batch_size=batch_size,
        )
        return predict_memory(candidate.network, shape, self.execution).total()
