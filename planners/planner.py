"""Planning from a fingerprint, a budget and a machine. A pure function: the same input makes the same plan."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.sizes import GIB
from planners.choices import Choice
from planners.halves import Halves
from planners.machine import MachineProfile
from planners.networks.training_memory import resident_bytes
from planners.parts.patches import ForegroundOptions
from planners.plan import Decision, FoldRule, Plan, Preprocessing, Training
from planners.rules.lesion_facts import LesionFacts, describe_lesions, explain_rules
from planners.rules.normalization import choose_normalization
from planners.rules.postprocessing import choose_postprocessing
from planners.rules.sampling import choose_sampling
from planners.rules.schedule import choose_training
from planners.rules.spacing import Resolution, choose_resolution
from planners.rules.strategy_facts import describe_targets
from planners.rules.strategy_words import explain_strategies
from planners.rules.switches import choose_rules
from planners.sizing.budgets import DeviceRules, Resources
from planners.sizing.configurations import Basis, plan_configurations
from planners.sizing.size_decisions import explain_device
from planners.sizing.strategy_changes import apply_strategies, leave_out_changed
from planners.time_budget import plan_within


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRequest:
    """Request for a plan.

    Attributes:
        name: of the plan; its directory in the workspace.
        planner: an entry of `planners.presets.PLANNERS`.
        machine: that will train; its `device` decides between the GPU's and the CPU's rules.
        memory_gb: the budget: the GPU's memory, or less, or that of a GPU elsewhere.
        switches: of rules: `name=on` or `name=off`.
        max_hours: to train each fold in, or None for as long as the field trains.
        unlabelled: the number of scans without labels that there are.
        halves: that every scan is divided into; None for whole scans.
    """

    name: str = "default"
    planner: str = "default"
    machine: MachineProfile
    memory_gb: float
    seed: int = 0
    switches: tuple[str, ...] = ()
    max_hours: float | None = None
    unlabelled: int = 0
    halves: Halves | None = None


class Planner(Protocol):
    """Interface of the entries of `planners.presets.PLANNERS`, which make plans."""

    @property
    def description(self) -> str:
        """A sentence for the list of planners."""
        ...

    @property
    def memory_gb(self) -> float:
        """The memory to plan for where none is given; 0 for that of the machine."""
        ...

    def plan(self, fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
        """Decide everything that has to be decided before training.

        Raises:
            PlanError: the data set is empty, or no plan fits the request.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RulePlanner:
    """A planner that derives everything from the fingerprint by the field's rules; its numbers make the difference.

    Attributes:
        description: for the list of planners.
        cpu: makes the plans for machines without a GPU small; None plans for them as for a GPU.
        cpu_float32: the same for a CPU that does not multiply bfloat16 natively; None plans for it as for any CPU.
        memory_gb: to plan for where none is given; 0 for that of the machine.
        patches: where training patches lie.
        weights: that are kept to predict with.
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
    patches: ForegroundOptions
    weights: Choice
    rules: tuple[str, ...]
    folds: FoldRule
    pools_dice: bool
    fixed: bool
    cpu_float32: DeviceRules | None = None

    def plan(self, fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
        """Decide everything that has to be decided before training.

        The configuration used by default is the 3D one of full resolution, 2D where every scan is a single slice, or
        another one that leaves time for enough steps.

        Raises:
            PlanError: the data set is empty, or the memory is too small for any network.
        """
        chosen = choose_rules(self.rules, request.switches)
        basis, decisions = self._choose_basis(fingerprint, request, chosen)
        facts = describe_targets(fingerprint, basis.resolution)
        basis, changes = apply_strategies(basis, facts, chosen)
        if request.max_hours is None:
            planned = plan_configurations(fingerprint, basis)
        else:
            planned = plan_within(fingerprint, basis, request.max_hours)
        facts = replace(facts, low_resolution="3d_lowres" in {entry.name for entry in planned.configurations})
        reasons = (*leave_out_changed(decisions, changes), *changes, *explain_strategies(chosen, facts))
        postprocessing, postprocessing_reasons = choose_postprocessing(fingerprint)
        return Plan(
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
            folds=self.folds,
            default_configuration=planned.default,
            configurations=planned.configurations,
            decisions=_without_overruled((*reasons, *planned.decisions, *postprocessing_reasons)),
            postprocessing=postprocessing,
            simulated=fingerprint.simulated,
        )

    def _choose_basis(
        self, fingerprint: DatasetFingerprint, request: PlanRequest, chosen: tuple[str, ...]
    ) -> tuple[Basis, tuple[Decision, ...]]:
        device_rules, short = self._choose_device_rules(request.machine)
        facts = describe_lesions(fingerprint)
        resolution, spacing_reasons = choose_resolution(
            fingerprint, facts.thinnest_mm if "fine_spacing" in chosen else None
        )
        normalization, normalization_reasons = choose_normalization(fingerprint)
        sampling, sampling_reason = choose_sampling(fingerprint, self._choose_patches(chosen, facts, short=short))
        training, training_reason = choose_training(fingerprint, request.machine, self.weights, short=short)
        if "pooled_dice" in chosen and facts.rare():
            training = replace(training, loss=Choice(name=training.loss.name, options={"batch_dice": True}))
        resources = _list_resources(fingerprint, request, resolution, training)
        if "full_resolution_capacity" in chosen and facts.small(resolution.spacing_mm):
            device_rules = device_rules.with_sizes(lambda sizes: replace(sizes, finest=replace(sizes.finest, extra=1)))
        basis = Basis(
            cases=len(fingerprint.cases),
            rules=device_rules,
            resources=resources,
            resolution=resolution,
            preprocessing=Preprocessing(
                spacing_mm=resolution.spacing_mm, normalization=normalization, coarse_axis=resolution.coarse_axis
            ),
            sampling=sampling,
            training=training,
            context_mm=facts.context_mm() if "lesion_context" in chosen else 0.0,
            pools_dice=self.pools_dice,
            fixed=self.fixed,
        )
        basis = basis if request.halves is None else basis.divide(request.halves)
        first = (explain_device(request.machine, request.memory_gb, short=short), *spacing_reasons)
        reasons = (*first, *normalization_reasons, sampling_reason, training_reason)
        return basis, (*reasons, *explain_rules(chosen, facts, resolution.spacing_mm))

    def _choose_device_rules(self, machine: MachineProfile) -> tuple[DeviceRules, bool]:
        """Return the rules for the kind of device that trains, and whether its trainings are short."""
        if machine.device != "cpu" or self.cpu is None:
            return self.gpu, False
        return (self.cpu if machine.bfloat16 else self.cpu_float32 or self.cpu), True

    def _choose_patches(self, chosen: tuple[str, ...], facts: LesionFacts, *, short: bool) -> ForegroundOptions:
        patches = self.patches
        if "foreground_only" in chosen and short and facts.rare():
            patches = replace(patches, foreground_share=1.0)
        if "balanced_lesions" in chosen and facts.uneven():
            patches = replace(patches, lesion_balance=1.0)
        return patches


def count_outputs(scheme: LabelScheme) -> int:
    """Count the channels that nnU-Net's sizes are planned for: background, every label or region, an ignore label.

    Regions need no background channel and the ignore label none at all; nnU-Net counts them all the same.
    """
    return 1 + len(scheme.regions or scheme.labels) + (scheme.ignore_value is not None)


def _without_overruled(decisions: tuple[Decision, ...]) -> tuple[Decision, ...]:
    """Leave out what holds for all configurations where each has a decision of its own."""
    own = {decision.field.partition(".")[2] for decision in decisions}
    return tuple(decision for decision in decisions if decision.field not in own)


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
