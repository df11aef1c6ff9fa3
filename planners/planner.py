"""From a fingerprint, a budget and a machine to a plan. A pure function: the same input makes the same plan."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import PlanError, did_you_mean
from dataset_fingerprints.fingerprint import DatasetFingerprint
from planners.choices import Choice
from planners.machine import MachineProfile
from planners.networks.memory_decisions import explain_memory
from planners.networks.training_memory import GIB, resident_bytes
from planners.plan import Decision, Plan, Preprocessing, Training
from planners.presets import PLANNERS, PlannerRules
from planners.rules.lesion_facts import describe_lesions, explain_rules
from planners.rules.normalization import choose_normalization
from planners.rules.postprocessing import choose_postprocessing
from planners.rules.sampling import choose_sampling
from planners.rules.schedule import choose_training
from planners.rules.spacing import Resolution, choose_resolution
from planners.rules.switches import choose_rules
from planners.sizing.budgets import Resources
from planners.sizing.configurations import Basis, plan_configurations
from planners.sizing.size_decisions import explain_device
from planners.time_budget import plan_within


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRequest:
    """What a person asks the planner for.

    Attributes:
        name: of the plan; its directory in the workspace.
        planner: an entry of `PLANNERS`.
        machine: that will train; its `device` decides between the GPU's and the CPU's rules.
        memory_gb: the budget: the card's memory, or less, or that of a card elsewhere.
        switches: of rules that look at lesions: `name=on` or `name=off`.
        max_hours: to train each fold in, or None for as long as the field trains.
    """

    name: str = "default"
    planner: str = "default"
    machine: MachineProfile
    memory_gb: float
    seed: int = 0
    switches: tuple[str, ...] = ()
    max_hours: float | None = None


def make_plan(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Decide everything that has to be decided before training.

    The configuration used by default is the 3D one of full resolution, 2D where every scan is a single slice, or
    another one that leaves time for enough steps.

    Raises:
        PlanError: there is no such planner, the data set is empty, or the memory is too small for any network.
    """
    rules = find_planner(request.planner)
    chosen = choose_rules(rules.rules, request.switches)
    basis, decisions = _choose_basis(fingerprint, request, rules, chosen)
    if request.max_hours is None:
        planned = plan_configurations(fingerprint, basis)
    else:
        planned = plan_within(fingerprint, basis, request.max_hours)
    postprocessing, postprocessing_reasons = choose_postprocessing(fingerprint)
    plan = Plan(
        name=request.name,
        planner=request.planner,
        dataset=fingerprint.name,
        channels=tuple(channel.name for channel in fingerprint.channels),
        scheme=fingerprint.scheme,
        machine=request.machine,
        memory_gb=request.memory_gb,
        rules=chosen,
        max_hours=request.max_hours,
        seed=request.seed,
        default_configuration=planned.default,
        configurations=planned.configurations,
        decisions=_without_overruled((*decisions, *planned.decisions, *postprocessing_reasons)),
        postprocessing=postprocessing,
    )
    return explain_memory(plan)


def choose_machine(machine: MachineProfile, planner: str, gpu_memory_gb: float | None) -> tuple[MachineProfile, float]:
    """Return the machine to plan for, and the memory to fill.

    Args:
        machine: this one.
        planner: an entry of `PLANNERS`; nnU-Net's are made for a memory of their own.
        gpu_memory_gb: of the card that will train, also where this machine has none; None for what is here.

    Raises:
        PlanError: there is no such planner, or the memory is not above 0.
    """
    rules = find_planner(planner)
    if gpu_memory_gb is None:
        return machine, rules.memory_gb or machine.memory_gb
    if not gpu_memory_gb > 0:
        raise PlanError(f"--gpu-memory-gb is {gpu_memory_gb:g}. Expected the card's memory in GB, such as 8.")
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


def count_outputs(scheme: LabelScheme) -> int:
    """Count the channels that nnU-Net's sizes are planned for: background, every label or region, an ignore label.

    Regions need no background channel and the ignore label none at all; nnU-Net counts them all the same.
    """
    return 1 + len(scheme.regions or scheme.labels) + (scheme.ignore_value is not None)


def find_planner(name: str) -> PlannerRules:
    """Return the rules of a planner by name.

    Raises:
        PlanError: there is none of that name.
    """
    if name not in PLANNERS:
        raise PlanError(f"There is no planner '{name}'. {did_you_mean(name, PLANNERS)}")
    return PLANNERS[name]


def _without_overruled(decisions: tuple[Decision, ...]) -> tuple[Decision, ...]:
    """Leave out what holds for all configurations where each has a decision of its own."""
    own = {decision.field.partition(".")[2] for decision in decisions}
    return tuple(decision for decision in decisions if decision.field not in own)


def _choose_basis(
    fingerprint: DatasetFingerprint, request: PlanRequest, rules: PlannerRules, chosen: tuple[str, ...]
) -> tuple[Basis, tuple[Decision, ...]]:
    device_rules = rules.for_device(request.machine.device)
    short = device_rules is rules.cpu
    facts = describe_lesions(fingerprint)
    resolution, spacing_reasons = choose_resolution(
        fingerprint, facts.thinnest_mm if "fine_spacing" in chosen else None
    )
    normalization, normalization_reasons = choose_normalization(fingerprint)
    sampling, sampling_reason = choose_sampling(
        fingerprint,
        1.0 if "foreground_only" in chosen and short and facts.rare() else rules.foreground_share,
        rules.jitter_share,
        1.0 if "balanced_lesions" in chosen and facts.uneven() else 0.0,
    )
    training, training_reason = choose_training(fingerprint, request.machine, rules.ema_decay, short=short)
    if "pooled_dice" in chosen and facts.rare():
        training = replace(training, loss=Choice(name=training.loss.name, options={"batch_dice": True}))
    if "full_resolution_capacity" in chosen and facts.small(resolution.spacing_mm):
        device_rules = device_rules.with_sizes(lambda sizes: replace(sizes, finest_extra=1))
    basis = Basis(
        cases=len(fingerprint.cases),
        rules=device_rules,
        resources=_list_resources(fingerprint, request, resolution, training),
        resolution=resolution,
        preprocessing=Preprocessing(
            spacing_mm=resolution.spacing_mm, normalization=normalization, coarse_axis=resolution.coarse_axis
        ),
        sampling=sampling,
        training=training,
        context_mm=facts.context_mm() if "lesion_context" in chosen else 0.0,
        pools_dice=rules.pools_dice,
        fixed=rules.fixed,
    )
    first = (explain_device(request.machine, request.memory_gb, short=short), *spacing_reasons)
    reasons = (*first, *normalization_reasons, sampling_reason, training_reason)
    return basis, (*reasons, *explain_rules(chosen, facts, resolution.spacing_mm))


def _list_resources(
    fingerprint: DatasetFingerprint, request: PlanRequest, resolution: Resolution, training: Training
) -> Resources:
    channels, heads = len(fingerprint.channels), fingerprint.scheme.heads()
    voxels = math.prod(resolution.median_shape) * len(fingerprint.cases)
    return Resources(
        machine=request.machine,
        memory_gb=request.memory_gb,
        channels=channels,
        counted_outputs=count_outputs(fingerprint.scheme),
        outputs=heads.count(),
        exclusive=heads.exclusive,
        training=training,
        cases_gb=resident_bytes(voxels, channels) / GIB,
    )
