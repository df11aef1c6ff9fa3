"""Where training cases live: on the device, else in memory, else on the disk, from which patches are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from autoseg.hardware import count_cores, free_memory_gb
from autoseg.pipeline.folds.jobs import Job
from autoseg.preprocessing import Store, pack_array, unpack_array
from autoseg.progress import Progress
from autoseg.sampling import Box, CaseVoxels, TrainingCase, hold_voxels, make_case, split_mask
from autoseg.training.folder import CaseHomes
from dataset_fingerprints.geometry import Triple
from dataset_fingerprints.measuring.memory_gate import MemoryGate
from dataset_fingerprints.sizes import GIB
from planners.choices import resolve
from planners.networks.memory_decisions import predict_configuration
from planners.networks.training_memory import resident_bytes
from planners.parts import PATCHES
from planners.sizing.budgets import PLANNED_SHARE

# Of the memory that is free beside the training; the rest is for loading, for validation and for other programs.
HELD_SHARE = 0.75
# What loading a case takes at its peak, per voxel: the label map, its components and their order, and for each
# channel the array as it was stored and as it is held.
LOADING_BYTES, LOADING_BYTES_PER_CHANNEL = 16, 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Rooms:
    """Bytes that training cases may take."""

    device: float
    memory: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StoredVoxels:
    """A case that stays on the disk.

    Attributes:
        parts: a first stage's components, compressed in memory: they are nearly all alike.
    """

    store: Store
    case: str
    shape: Triple
    channels: int
    parts: bytes | None

    @property
    def device(self) -> None:
        """Nowhere: boxes are read."""
        return

    def read_box(self, box: Box) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Read image and maps.

        Raises:
            WorkspaceError: the case cannot be read.
        """
        image, labels = self.store.read(self.case, box)
        maps = (labels,) if self.parts is None else (labels, unpack_array(self.parts, box))
        return torch.from_numpy(image), tuple(map(torch.from_numpy, maps))


def load_cases(job: Job, device: torch.device, progress: Progress) -> tuple[Sequence[TrainingCase], CaseHomes]:
    """Find a home for every training case, hold those that are not to stay on the disk, and tell where they are."""
    channels = len(job.plan.channels)
    shapes = [job.inputs.store.read_record(case).shape for case in job.cases.train]
    voxels = [int(np.prod(shape)) for shape in shapes]
    masks = len(job.configuration.masks())
    sizes = [resident_bytes(count, channels, masks) for count in voxels]
    rooms = measure_rooms(job, device)
    homes = choose_homes(sizes, rooms)
    told = _tell(homes, sizes, rooms)
    progress.say(describe(told))
    gate = MemoryGate(limit_bytes=rooms.memory * (1 - HELD_SHARE))
    places = {"device": device, "memory": torch.device("cpu"), "disk": None}

    def load(number: int) -> TrainingCase:
        with gate.hold(voxels[number] * (LOADING_BYTES + LOADING_BYTES_PER_CHANNEL * channels)):
            return _load(job, job.cases.train[number], shapes[number], places[homes[number]])

    with ThreadPoolExecutor(count_cores()) as pool:
        return list(pool.map(load, range(len(homes)))), told


def measure_rooms(job: Job, device: torch.device) -> Rooms:
    """Measure what a GPU, and the memory of this process, have free beside the predicted peak of the training.

    Apple's GPU shares its memory with the processor: what is free there is free on the device.
    """
    training = predict_configuration(job.plan, job.configuration).tensors() / PLANNED_SHARE
    free = free_memory_gb() * GIB - (training if device.type != "cuda" else 0)
    room = HELD_SHARE * max(0.0, free) if job.memory_gb is None else job.memory_gb * GIB
    if device.type == "cuda":
        unused, whole = torch.cuda.mem_get_info()
        return Rooms(device=max(0.0, min(unused, job.memory_share * whole) - training), memory=room)
    return Rooms(device=0.0, memory=room) if device.type == "cpu" else Rooms(device=room, memory=0.0)


def choose_homes(sizes: Sequence[int], rooms: Rooms) -> list[str]:
    """Return for each size, in order, the fastest home with room left: `device`, `memory` or `disk`."""
    on_device = fit_into(sizes, rooms.device)
    in_memory = iter(fit_into([size for size, here in zip(sizes, on_device, strict=True) if not here], rooms.memory))
    return ["device" if here else "memory" if next(in_memory) else "disk" for here in on_device]


def fit_into(sizes: Sequence[int], room: float) -> list[bool]:
    """Tell for each of these sizes, in order, whether it still fits into the room that the ones before left."""
    fits = []
    for size in sizes:
        fits.append(size <= room)
        room -= size * fits[-1]
    return fits


def describe(homes: CaseHomes) -> str:
    """Say in a line where the training cases are, and why."""
    where = [f"{homes.on_device} on the device ({homes.device_room_gb:.2f} GiB free)"] if homes.on_device else []
    where += [f"{homes.in_memory} in memory ({homes.memory_room_gb:.2f} GiB for cases)"] if homes.in_memory else []
    where += [f"{homes.on_disk} stay on the disk, patches are read ahead"] if homes.on_disk else []
    why = f": memory has {homes.memory_room_gb:.2f} GiB for cases (--memory-gb)" if homes.on_disk else ""
    return f"{homes.cases()} training cases, {homes.needed_gb:.2f} GiB: {', '.join(where)}{why}."


def _tell(homes: Sequence[str], sizes: Sequence[int], rooms: Rooms) -> CaseHomes:
    count = Counter(homes)
    return CaseHomes(
        on_device=count["device"],
        in_memory=count["memory"],
        on_disk=count["disk"],
        needed_gb=round(sum(sizes) / GIB, 6),
        device_room_gb=round(rooms.device / GIB, 6),
        memory_room_gb=round(rooms.memory / GIB, 6),
    )


def _load(job: Job, case: str, shape: Triple, place: torch.device | None) -> TrainingCase:
    heads, mask = job.plan.scheme.heads(), job.inputs.read_mask(case)
    parts, previous = (None, None) if mask is None else split_mask(mask, heads.targets())
    voxels: CaseVoxels
    if place is None:
        labels = job.inputs.store.read_labels(case)
        voxels = StoredVoxels(
            store=job.inputs.store,
            case=case,
            shape=shape,
            channels=len(job.plan.channels),
            parts=None if parts is None else pack_array(parts),
        )
    else:
        image, labels = job.inputs.store.read(case)
        voxels = hold_voxels(image, labels, place, parts)
    balanced = resolve(job.configuration.sampling.patches, PATCHES, "patches").needs_lesions()
    return make_case(case, voxels, labels, heads, find_lesions=balanced, previous=previous)
