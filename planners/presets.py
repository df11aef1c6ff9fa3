"""The planners by name, and the numbers in which they differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from planners.networks.topology import UNLIMITED_STAGES
from planners.sizing.batches import SizeRules
from planners.sizing.budgets import ByteRules, DeviceRules, ElementRules

UNLIMITED_BATCH = 1_000_000
UNLIMITED_EDGE = 1 << 16

FoldRule = Literal["by_subject", "shuffled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannerRules:
    """One planner.

    Attributes:
        description: for the list of planners.
        cpu: makes the plans for machines without a GPU small; None plans for them as for a GPU.
        memory_gb: to plan for where nobody names a memory; 0 for that of the machine.
        foreground_share: the share of each batch placed on labelled voxels.
        jitter_share: how far off the centre, as a share of half the patch.
        ema_decay: of the averaged weights, 0 for none.
        rules: of `planners.rules.switches.RULES`, those that are on unless a person switches them.
        folds: how the cross-validation is dealt out (`planners.splits`).
        pools_dice: whether the loss counts the Dice over the whole batch where nnU-Net does: in 2D, and in 3D where
            patches are a small part of the scan, so that a low resolution is planned as well.
        fixed: whether a time budget leaves patch, batch, network and optimiser alone.
    """

    description: str
    gpu: DeviceRules
    cpu: DeviceRules | None
    memory_gb: float
    foreground_share: float
    jitter_share: float
    ema_decay: float
    rules: tuple[str, ...]
    folds: FoldRule
    pools_dice: bool
    fixed: bool

    def for_device(self, device: str) -> DeviceRules:
        """Return the rules for one kind of device."""
        return self.cpu if device == "cpu" and self.cpu else self.gpu


_NNUNET_3D = SizeRules(
    block="plain",
    initial_edge=256,
    base_features=32,
    max_features=320,
    max_stages=UNLIMITED_STAGES,
    max_batch=UNLIMITED_BATCH,
    max_data_share=0.05,
)
_NNUNET_2D = replace(_NNUNET_3D, initial_edge=2048, max_features=512)
# Isensee 2021; the reference figures are for 8 GB, two patches in 3D and twelve in 2D.
_NNUNET_SIZES = ElementRules(
    sizes_2d=_NNUNET_2D,
    sizes_3d=_NNUNET_3D,
    reference_2d=85e6,
    reference_3d=560e6,
    batch_2d=12,
    batch_3d=2,
    reference_memory_gb=8.0,
    shrinks_to_pair=True,
)
# Isensee 2024: a batch may hold the whole data set, and 2D patches shrink until one of them makes the reference.
_RESENC_SIZES = replace(
    _NNUNET_SIZES,
    sizes_2d=replace(_NNUNET_2D, block="residual", max_data_share=1.0),
    sizes_3d=replace(_NNUNET_3D, block="residual", max_data_share=1.0),
    shrinks_to_pair=False,
)
_NNUNET = PlannerRules(
    description="nnU-Net's default planner (Isensee 2021), number for number, whatever the device; for 8 GB.",
    gpu=_NNUNET_SIZES,
    cpu=None,
    memory_gb=8.0,
    foreground_share=0.33,
    jitter_share=0.0,
    ema_decay=0.0,
    rules=(),
    folds="shuffled",
    pools_dice=True,
    fixed=True,
)


def _resenc(size: str, memory_gb: float, reference_2d: float, reference_3d: float) -> PlannerRules:
    return replace(
        _NNUNET,
        description=f"nnU-Net's planner with a residual encoder, size {size} (Isensee 2024), for {memory_gb:g} GB.",
        gpu=replace(_RESENC_SIZES, reference_2d=reference_2d, reference_3d=reference_3d, reference_memory_gb=memory_gb),
        memory_gb=memory_gb,
    )


# A step of 22 million voxels is that of nnU-Net's largest preset, whose training takes 66 hours of an A100.
_GPU_3D = replace(_NNUNET_3D, initial_edge=UNLIMITED_EDGE)
_GPU = ByteRules(
    sizes_2d=replace(_NNUNET_2D, initial_edge=UNLIMITED_EDGE), sizes_3d=_GPU_3D, cases_share=0.1, step_voxels=22_100_000
)
# About one second per optimiser step of 16 features in bfloat16 on two cores.
_CPU_3D = replace(
    _NNUNET_3D, initial_edge=96, base_features=16, max_features=128, max_stages=4, max_batch=32, max_data_share=1.0
)
_CPU = ByteRules(
    sizes_2d=replace(_CPU_3D, initial_edge=512),
    sizes_3d=_CPU_3D,
    cases_share=0.5,
    step_voxels=1_600_000,
    step_voxels_per_core=200_000,
    least_step_voxels=200_000,
    limits_patch=True,
)

PLANNERS: dict[str, PlannerRules] = {
    "default": PlannerRules(
        description="A plain U-Net that fills the GPU's memory; on a CPU a small one for trainings of minutes.",
        gpu=_GPU,
        cpu=_CPU,
        memory_gb=0.0,
        foreground_share=0.5,
        jitter_share=0.5,
        ema_decay=0.999,
        rules=(),
        folds="by_subject",
        pools_dice=False,
        fixed=False,
    ),
    "nnunet": _NNUNET,
    "nnunet-resenc-m": _resenc("M", 8.0, 135e6, 680e6),
    "nnunet-resenc-l": _resenc("L", 24.0, 380e6, 2.1e9),
    "nnunet-resenc-xl": _resenc("XL", 40.0, 560e6, 3.6e9),
}
