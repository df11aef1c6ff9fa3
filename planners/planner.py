"""From a fingerprint, a budget and a machine to a plan. A pure function: the same input makes the same plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import PlanError, did_you_mean
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import Triple
from planners.batches import Size, View, choose_size
from planners.budgets import CpuRules, GpuRules
from planners.choices import Choice
from planners.machine import MachineProfile
from planners.normalization import choose_normalization
from planners.plan import Configuration, Decision, Plan, Preprocessing, Sampling, Training
from planners.presets import PLANNERS, PlannerRules
from planners.sampling import choose_sampling
from planners.schedule import choose_prediction, choose_training
from planners.size_decisions import explain_device, explain_size
from planners.spacing import Resolution, choose_resolution
from planners.topology import reorder_axes

ConfigurationName = Literal["2d", "3d_fullres"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRequest:
    """What a person asks the planner for.

    Attributes:
        name: of the plan; its directory in the workspace.
        planner: an entry of `PLANNERS`.
        machine: that will train; its `device` decides between the GPU's and the CPU's rules.
        memory_gb: the budget: the card's memory, or less, or that of a card elsewhere.
    """

    name: str = "default"
    planner: str = "default"
    machine: MachineProfile
    memory_gb: float
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    """What all configurations of a plan have in common."""

    rules: GpuRules | CpuRules
    resolution: Resolution
    preprocessing: Preprocessing
    sampling: Sampling
    training: Training


def make_plan(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Decide everything that has to be decided before training.

    A 2D configuration is always planned, a 3D one unless every scan is a single slice; the 3D one is the default.

    Raises:
        PlanError: there is no such planner, the data set is empty, or the memory is too small for any network.
    """
    rules = find_planner(request.planner)
    shared, decisions = _choose_shared(fingerprint, request, rules)
    names: tuple[ConfigurationName, ...] = ("2d",) if shared.resolution.flat else ("2d", "3d_fullres")
    planned = [_plan_configuration(name, fingerprint, request, shared) for name in names]
    return Plan(
        name=request.name,
        planner=request.planner,
        dataset=fingerprint.name,
        channels=tuple(channel.name for channel in fingerprint.channels),
        scheme=fingerprint.scheme,
        machine=request.machine,
        memory_gb=request.memory_gb,
        seed=request.seed,
        default_configuration=names[-1],
        configurations=tuple(configuration for configuration, _ in planned),
        decisions=(*decisions, *(decision for _, reasons in planned for decision in reasons)),
    )


def count_outputs(scheme: LabelScheme) -> int:
    """Count the channels that sizes are planned for: background, every label or region, and an ignore label.

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


def _choose_shared(
    fingerprint: DatasetFingerprint, request: PlanRequest, rules: PlannerRules
) -> tuple[_Shared, tuple[Decision, ...]]:
    device_rules = rules.for_device(request.machine.device)
    short = isinstance(device_rules, CpuRules)
    resolution, spacing_reasons = choose_resolution(fingerprint)
    normalization, normalization_reasons = choose_normalization(fingerprint)
    sampling, sampling_reason = choose_sampling(fingerprint, rules.foreground_share, rules.jitter_share)
    training, training_reason = choose_training(fingerprint, request.machine, rules.ema_decay, short=short)
    preprocessing = Preprocessing(
        spacing_mm=resolution.spacing_mm, normalization=normalization, coarse_axis=resolution.coarse_axis
    )
    shared = _Shared(
        rules=device_rules,
        resolution=resolution,
        preprocessing=preprocessing,
        sampling=sampling,
        training=training,
    )
    first = (explain_device(request.machine, request.memory_gb, short=short), *spacing_reasons)
    return shared, (*first, *normalization_reasons, sampling_reason, training_reason)


def _plan_configuration(
    name: ConfigurationName, fingerprint: DatasetFingerprint, request: PlanRequest, shared: _Shared
) -> tuple[Configuration, tuple[Decision, ...]]:
    slice_axis = shared.resolution.slice_axis if name == "2d" else -1
    axes = tuple(axis for axis in shared.resolution.anchor_axes() if axis != slice_axis)
    budget = shared.rules.budget(len(axes), request.memory_gb, request.machine)
    size = choose_size(_view(shared.resolution, axes, fingerprint), shared.rules.sizes(len(axes)), budget)
    configuration = Configuration(
        name=name,
        slice_axis=slice_axis,
        preprocessing=shared.preprocessing,
        patch_shape=_canonical_shape(size, axes),
        batch_size=size.batch_size,
        network=Choice(name="unet"),
        topology=reorder_axes(size.topology, axes),
        sampling=shared.sampling,
        training=shared.training,
        prediction=choose_prediction(tuple(sorted(axes))),
    )
    return configuration, explain_size(configuration, size, shared.resolution)


def _view(resolution: Resolution, axes: tuple[int, ...], fingerprint: DatasetFingerprint) -> View:
    return View(
        spacing_mm=tuple(resolution.spacing_mm[axis] for axis in axes),
        median_shape=tuple(resolution.median_shape[axis] for axis in axes),
        data_set_voxels=math.prod(resolution.median_shape) * len(fingerprint.cases),
        outputs=count_outputs(fingerprint.scheme),
    )


def _canonical_shape(size: Size, axes: tuple[int, ...]) -> Triple:
    lengths = dict(zip(axes, size.patch_shape, strict=True))
    return (lengths.get(0, 1), lengths.get(1, 1), lengths.get(2, 1))
