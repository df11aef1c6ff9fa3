"""What one batch may cost on a GPU, where memory is the limit, and on a CPU, where time is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from planners.batches import Budget, SizeRules
from planners.machine import MachineProfile

_GIB = 1024**3


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuRules:
    """Sizes on a GPU: feature maps are counted, and what fits grows linearly with the memory (Isensee 2021).

    Attributes:
        elements_2d: feature-map values of a batch that fit the reference memory.
        elements_3d: the same in 3D.
    """

    sizes_2d: SizeRules
    sizes_3d: SizeRules
    elements_2d: float
    elements_3d: float
    reference_memory_gb: float

    def sizes(self, axes: int) -> SizeRules:
        """Return the rules for networks of two or three axes."""
        return self.sizes_3d if axes == 3 else self.sizes_2d

    def budget(self, axes: int, memory_gb: float, machine: MachineProfile) -> Budget:
        """Return what a batch may cost; nothing but memory limits it."""
        elements = self.elements_3d if axes == 3 else self.elements_2d
        return Budget(
            elements=elements * (memory_gb / self.reference_memory_gb), patch_voxels=math.inf, batch_voxels=math.inf
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CpuRules:
    """Sizes on a CPU: voxels are counted, so that one optimiser step takes about a second, and must fit the memory.

    Attributes:
        voxels_per_core: of a batch.
        min_voxels: whatever the number of cores.
        max_voxels: whatever the number of cores.
        bytes_per_element: of a feature map in single precision, with its gradient and what the layers keep.
    """

    sizes_2d: SizeRules
    sizes_3d: SizeRules
    voxels_per_core: int
    min_voxels: int
    max_voxels: int
    bytes_per_element: float

    def sizes(self, axes: int) -> SizeRules:
        """Return the rules for networks of two or three axes."""
        return self.sizes_3d if axes == 3 else self.sizes_2d

    def budget(self, axes: int, memory_gb: float, machine: MachineProfile) -> Budget:
        """Return what a batch may cost; one patch may fill its voxels, and two are trained all the same."""
        voxels = min(self.max_voxels, max(self.min_voxels, self.voxels_per_core * machine.cores))
        return Budget(
            elements=memory_gb * _GIB / self.bytes_per_element, patch_voxels=float(voxels), batch_voxels=float(voxels)
        )
