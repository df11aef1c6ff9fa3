"""Predicted against measured memory of training steps, on a CUDA machine."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from autoseg.hardware import profile_machine
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.publications import expand, read_published
from dataset_fingerprints.sizes import GIB
from experiments.costs.noise_training import make_setup, train
from planners.networks.memory_decisions import predict_configuration
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import make_plan

DATA_SETS = ("atlas_r2_mni", "msd_hippocampus", "acdc_like", "ct_3mm_512")
PLANNERS = ("default", "nnunet", "nnunet-resenc-m", "nnunet-resenc-l")
MEMORIES_GB = (8.0, 16.0, 24.0, 40.0, 80.0)
STEPS = 4
# What the prediction promises.
TOLERANCE = 0.10


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryCheck:
    """One configuration: what was predicted, and what torch counted; None where it did not fit."""

    data_set: str
    planner: str
    memory_gb: float
    configuration: str
    predicted_gb: float
    measured_gb: float | None

    def holds(self) -> bool:
        """Return whether the measured peak is within the tolerance of the predicted one."""
        return self.measured_gb is not None and abs(self.predicted_gb / self.measured_gb - 1) <= TOLERANCE

    def row(self) -> tuple[str, ...]:
        """Return the check as texts."""
        measured = "does not fit" if self.measured_gb is None else f"{self.measured_gb:.2f}"
        ratio = "-" if self.measured_gb is None else f"{self.predicted_gb / self.measured_gb:.2f}"
        names = (self.data_set, self.planner, f"{self.memory_gb:g}", self.configuration)
        return (*names, f"{self.predicted_gb:.2f}", measured, ratio, "yes" if self.holds() else "NO")


def check_memory(data_sets: Sequence[str] = DATA_SETS, planners: Sequence[str] = PLANNERS) -> Iterator[MemoryCheck]:
    """Train a few steps of every plan that should fit this GPU, and yield its check.

    Raises:
        AutosegError: there is no CUDA device.
    """
    if not torch.cuda.is_available():
        raise AutosegError(
            "The memory experiment counts what CUDA allocates, and this machine has no CUDA device. "
            "Run it where torch.cuda.is_available() is true."
        )
    machine = profile_machine()
    memories = [memory for memory in MEMORIES_GB if memory < machine.memory_gb]
    for data_set in data_sets:
        fingerprint = expand(read_published(data_set))
        for planner in planners:
            for memory_gb in memories:
                plan = make_plan(fingerprint, PlanRequest(planner=planner, machine=machine, memory_gb=memory_gb))
                for configuration in plan.configurations:
                    if not configuration.inputs:
                        yield _check(plan, configuration)


def measure_peak_gb(plan: Plan, configuration: Configuration) -> float | None:
    """Train a few steps and return torch's peak, the training cases left out; None where memory runs out."""
    setup = make_setup(plan, configuration, STEPS)
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    try:
        train(setup)
    except torch.OutOfMemoryError:
        return None
    return (torch.cuda.max_memory_allocated() - before) / GIB


def _check(plan: Plan, configuration: Configuration) -> MemoryCheck:
    return MemoryCheck(
        data_set=plan.dataset,
        planner=plan.planner,
        memory_gb=plan.memory_gb,
        configuration=configuration.name,
        predicted_gb=predict_configuration(plan, configuration).tensors() / GIB,
        measured_gb=measure_peak_gb(plan, configuration),
    )
