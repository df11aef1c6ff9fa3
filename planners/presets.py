"""The planners by name, and the numbers in which ours differ."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.errors import PlanError, did_you_mean
from dataset_fingerprints.files.jsonfiles import parse_json, to_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.registered import guard
from planners.choices import Choice, PartTable
from planners.editing.contradictions import refuse_contradictions
from planners.editing.option_checks import check_amount
from planners.editing.plan_checks import check_plan
from planners.machine import MachineProfile
from planners.networks.memory_decisions import explain_memory
from planners.networks.topology import UNLIMITED_LEVELS, Finest
from planners.parts.patches import ForegroundOptions
from planners.plan import Plan
from planners.planner import Planner, PlanRequest, RulePlanner
from planners.sizing.batches import SizeRules
from planners.sizing.budgets import ByteRules, ElementRules

# A thousand of today's largest.
MOST_GPU_MEMORY_GB = 200_000.0
UNLIMITED_BATCH = 1_000_000
UNLIMITED_EDGE = 1 << 16

_NNUNET_3D = SizeRules(
    block="plain",
    initial_edge=256,
    base_features=32,
    max_features=320,
    max_levels=UNLIMITED_LEVELS,
    max_batch=UNLIMITED_BATCH,
    max_data_share=0.05,
)
_NNUNET_2D = replace(_NNUNET_3D, initial_edge=2048, max_features=512)
# Isensee 2021; the reference figures are for 8 GiB, two patches in 3D and twelve in 2D.
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
_NNUNET = RulePlanner(
    description="nnU-Net's default planner (Isensee 2021), number for number, whatever the device; for 8 GiB.",
    gpu=_NNUNET_SIZES,
    cpu=None,
    memory_gb=8.0,
    patches=ForegroundOptions(foreground_share=0.33, jitter_share=0.0),
    weights=Choice(name="last"),
    rules=(),
    folds="shuffled",
    pools_dice=True,
    fixed=True,
)


def _resenc(size: str, memory_gb: float, reference_2d: float, reference_3d: float) -> RulePlanner:
    return replace(
        _NNUNET,
        description=f"nnU-Net's planner with a residual encoder, size {size} (Isensee 2024), for {memory_gb:g} GiB.",
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
    _NNUNET_3D, initial_edge=96, base_features=16, max_features=128, max_levels=4, max_batch=32, max_data_share=1.0
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

# Without bfloat16 the finest level is what costs most, and gives least per second.
_CPU_FLOAT32 = replace(
    _CPU.with_sizes(lambda sizes: replace(sizes, finest=Finest(thin=True))),
    step_voxels=640_000,
    step_voxels_per_core=80_000,
    least_step_voxels=80_000,
)

PLANNERS: PartTable[Planner] = PartTable(
    "planners",
    "planner",
    {
        "default": RulePlanner(
            description="A plain U-Net that fills the GPU's memory; on a CPU a small one for trainings of minutes.",
            gpu=_GPU,
            cpu=_CPU,
            cpu_float32=_CPU_FLOAT32,
            memory_gb=0.0,
            patches=ForegroundOptions(foreground_share=0.5, jitter_share=0.5),
            weights=Choice(name="averaged", options={"decay": 0.999}),
            rules=(),
            folds="by_subject",
            pools_dice=False,
            fixed=False,
        ),
        "nnunet": _NNUNET,
        "nnunet-resenc-m": _resenc("M", 8.0, 135e6, 680e6),
        "nnunet-resenc-l": _resenc("L", 24.0, 380e6, 2.1e9),
        "nnunet-resenc-xl": _resenc("XL", 40.0, 560e6, 3.6e9),
    },
)


def make_plan(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan that the requested planner makes, checked, and with what its trainings take of the memory.

    Raises:
        PlanError: there is no such planner, no plan fits the request, or what the planner made does not fit together.
    """
    make = find_planner(request.planner).plan
    if not PLANNERS.is_own(request.planner):
        make = guard(make, PLANNERS.describe(request.planner))
    plan: object = make(fingerprint, request)
    if not isinstance(plan, Plan):
        raise PlanError(f"planner {request.planner}: returned {plan!r}. Expected a planners.plan.Plan.")
    # As it will be read again: values of a registered planner may be of other types than the plan's fields.
    plan = parse_json(to_json(plan).encode(), Plan, f"planner {request.planner}")
    check_plan(plan)
    refuse_contradictions(plan)
    return explain_memory(plan)


def choose_machine(machine: MachineProfile, planner: str, gpu_memory_gb: float | None) -> tuple[MachineProfile, float]:
    """Return the machine to plan for, and the memory to fill.

    Args:
        machine: this one.
        planner: an entry of `PLANNERS`; nnU-Net's are made for a memory of their own.
        gpu_memory_gb: of the GPU that will train, also where this machine has none; None for what is here.

    Raises:
        PlanError: there is no such planner, or the memory is not above 0.
    """
    own = find_planner(planner).memory_gb
    if gpu_memory_gb is None:
        return machine, own or machine.memory_gb
    check_amount("--gpu-memory-gb", gpu_memory_gb, MOST_GPU_MEMORY_GB, "the GPU's memory in GiB, such as 8")
    if machine.device == "cuda":
        return machine, gpu_memory_gb
    elsewhere = replace(
        machine,
        device="cuda",
        name="a GPU elsewhere",
        memory_gb=gpu_memory_gb,
        bfloat16=True,
        multiplications_per_second=None,
    )
    return elsewhere, gpu_memory_gb


def find_planner(name: str) -> Planner:
    """Return a planner by name, ours or one that an installed package registers (`autoseg.planners`).

    Raises:
        PlanError: there is none of that name.
    """
    if name not in PLANNERS:
        raise PlanError(f"There is no planner '{name}'. {did_you_mean(name, PLANNERS)}")
    planner: object = PLANNERS[name]
    if not (callable(getattr(planner, "plan", None)) and isinstance(getattr(planner, "memory_gb", None), int | float)):
        raise PlanError(
            f"{PLANNERS.describe(name)}: is {planner!r}. Expected a planner, with a number memory_gb and a method plan."
        )
    return PLANNERS[name]
