"""Slots for folds that train at the same time: on which GPU, with what share of its memory, on which cores."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoseg.hardware import SHARERS, may_have_gpu
from autoseg.pipeline.folds.children import Slot
from autoseg.pipeline.folds.jobs import Job
from autoseg.pipeline.folds.residency import tensor_bytes
from autoseg.processes import VISIBLE
from dataset_fingerprints.errors import AutosegError
from planners.networks.training_memory import CONTEXT_BYTES, resident_bytes

# What another process runs, which gives all memory of the GPUs back when it ends.
MEASURE = """\
import json, torch
found = []
for number in range(torch.cuda.device_count()):
    with torch.cuda.device(number):
        found.append((*torch.cuda.mem_get_info(), torch.cuda.is_bf16_supported(including_emulation=False)))
print(json.dumps(found))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """A CUDA GPU.

    Attributes:
        name: what CUDA_VISIBLE_DEVICES calls it.
        free_bytes: that no process holds.
        bfloat16: whether it multiplies bfloat16 natively.
    """

    name: str
    free_bytes: int
    total_bytes: int
    bfloat16: bool


def find_slots(jobs: Sequence[Job], most: int | None) -> tuple[Slot, ...]:
    """Return slots in which folds of one configuration can train at the same time on this machine.

    Args:
        jobs: the folds; there is at least one.
        most: folds at once: on GPUs at most, on a CPU so many; None for as many as the GPUs hold, or one on a CPU.
    """
    gpus = find_gpus()
    if not gpus:
        return share_machine([Slot()] * min(most or 1, len(jobs)))
    # A fold may come to any of them.
    bfloat16 = all(gpu.bfloat16 for gpu in gpus)
    need = max(training_bytes(job, bfloat16=bfloat16) for job in jobs)
    return share_machine(share_gpus(gpus, need, min(most or len(jobs), len(jobs))))


def training_bytes(job: Job, *, bfloat16: bool) -> int:
    """Return the memory that a fold's training is predicted to take of a GPU, with all its cases on it.

    Args:
        job: the fold.
        bfloat16: whether the GPU multiplies bfloat16 natively.
    """
    names = (*job.cases.train, *job.unlabelled)
    voxels = (math.prod(job.inputs.store.read_record(case).shape) for case in names)
    channels, masks = job.plan.image_channels(job.configuration), len(job.configuration.masks())
    cases = sum(resident_bytes(count, channels, masks) for count in voxels)
    return round(tensor_bytes(job, bfloat16=bfloat16) + CONTEXT_BYTES["cuda"] + cases)


def share_gpus(gpus: Sequence[Gpu], need: int, most: int) -> list[Slot]:
    """Return at most `most` slots: one on every GPU, then a second one wherever another `need` bytes fit, and so on.

    A fold that is alone on its GPU may have all of it; several get equal shares of what is free, less what CUDA itself
    takes for each of them. Beyond its share torch lets none grow.
    """
    fitting = [max(1, gpu.free_bytes // need) for gpu in gpus]
    rounds = [gpu for turn in range(max(fitting)) for gpu, fits in zip(gpus, fitting, strict=True) if turn < fits]
    chosen = rounds[:most]
    slots = []
    for gpu in chosen:
        sharing = chosen.count(gpu)
        share = (gpu.free_bytes / sharing - CONTEXT_BYTES["cuda"]) / gpu.total_bytes
        slots.append(Slot(environment={VISIBLE: gpu.name}, memory_share=1.0 if sharing == 1 else round(share, 3)))
    return slots


def share_machine(slots: Sequence[Slot]) -> tuple[Slot, ...]:
    """Return the slots with cores and memory of the machine shared among them; one slot keeps them all."""
    if len(slots) == 1:
        return tuple(slots)
    sharers = {SHARERS: str(len(slots))}
    return tuple(replace(slot, environment={**slot.environment, **sharers}) for slot in slots)


def find_gpus() -> tuple[Gpu, ...]:
    """Return the CUDA GPUs that this process may use, with what is free on them; empty without any.

    Another process asks them: one that does so takes some of their memory until it ends.
    """
    if not may_have_gpu():
        return ()
    measured = measure_gpus()
    visible = os.environ.get(VISIBLE, "")
    names = visible.split(",") if visible else [str(number) for number in range(len(measured))]
    return tuple(
        Gpu(name=name.strip(), free_bytes=free, total_bytes=total, bfloat16=bfloat16)
        for name, (free, total, bfloat16) in zip(names, measured, strict=False)
    )


def measure_gpus() -> list[tuple[int, int, bool]]:
    """Return of every CUDA GPU the free and the whole memory in bytes, and whether it multiplies bfloat16 natively.

    They are in torch's order.

    Raises:
        AutosegError: torch cannot be asked.
    """
    # Not by `multiprocessing`, which would run a script that calls the public functions once more.
    done = subprocess.run((sys.executable, "-P", "-c", MEASURE), stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode:
        raise AutosegError(
            f"The GPUs cannot be asked for their memory: {sys.executable} ended with exit code {done.returncode}, for "
            "the reason that it says above. Correct that, or train one fold after the other by its number."
        )
    return [(free, total, bfloat16) for free, total, bfloat16 in json.loads(done.stdout.splitlines()[-1])]
