"""The planners by name, and the numbers in which they differ."""

from __future__ import annotations

from dataclasses import dataclass, replace

from planners.batches import SizeRules
from planners.budgets import CpuRules, GpuRules
from planners.topology import UNLIMITED_STAGES

UNLIMITED_BATCH = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannerRules:
    """One planner.

    Attributes:
        description: for the list of planners.
        cpu: makes the plans for machines without a GPU small; None plans for them as for a GPU.
        foreground_share: the share of each batch placed on labelled voxels.
        jitter_share: how far off the centre, as a share of half the patch.
        ema_decay: of the averaged weights, 0 for none.
    """

    description: str
    gpu: GpuRules
    cpu: CpuRules | None
    foreground_share: float
    jitter_share: float
    ema_decay: float

    def for_device(self, device: str) -> GpuRules | CpuRules:
        """Return the rules for one kind of device."""
        return self.cpu if device == "cpu" and self.cpu else self.gpu


_GPU_3D = SizeRules(
    initial_edge=256,
    base_features=32,
    max_features=320,
    max_stages=UNLIMITED_STAGES,
    max_batch=UNLIMITED_BATCH,
    max_data_share=0.05,
)
_CPU_3D = SizeRules(initial_edge=96, base_features=16, max_features=128, max_stages=4, max_batch=32, max_data_share=1.0)
# Isensee 2021; the reference figures are for 8 GB, two patches in 3D and twelve in 2D.
_GPU = GpuRules(
    sizes_2d=replace(_GPU_3D, initial_edge=2048, max_features=512),
    sizes_3d=_GPU_3D,
    elements_2d=12 * 85e6,
    elements_3d=2 * 560e6,
    reference_memory_gb=8.0,
)
# About one second per optimiser step of 16 features in bfloat16 on two cores.
_CPU = CpuRules(
    sizes_2d=replace(_CPU_3D, initial_edge=512),
    sizes_3d=_CPU_3D,
    voxels_per_core=200_000,
    min_voxels=200_000,
    max_voxels=1_600_000,
    bytes_per_element=10.0,
)
_DEFAULT = PlannerRules(
    description="A plain U-Net sized to the GPU's memory; on a CPU a small one for trainings of minutes.",
    gpu=_GPU,
    cpu=_CPU,
    foreground_share=0.5,
    jitter_share=0.5,
    ema_decay=0.999,
)

PLANNERS: dict[str, PlannerRules] = {
    "default": _DEFAULT,
    "nnunet": replace(
        _DEFAULT,
        description="nnU-Net's default planner (Isensee 2021), number for number, whatever the device.",
        cpu=None,
        foreground_share=0.33,
        jitter_share=0.0,
        ema_decay=0.0,
    ),
}
