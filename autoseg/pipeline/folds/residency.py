"""The residency of training cases: on the device, else in memory, else on the disk, from which patches are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.hardware import autocast_type, count_cores, free_memory_gb
from autoseg.pipeline.folds.jobs import Job
from autoseg.pipeline.folds.pseudo_labels import read_pseudo_label
from autoseg.preprocessing import Store, View, pack_array, unpack_array
from autoseg.progress import Progress
from autoseg.sampling import CaseVoxels, TrainingCase, hold_voxels, make_case, split_mask
from autoseg.training.record import CaseResidency
from dataset_fingerprints.geometry import Box, Triple
from dataset_fingerprints.measuring.memory_gate import MemoryGate
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.sizes import GIB, show_gib
from planners.choices import resolve
from planners.networks.memory_decisions import predict_configuration
from planners.networks.training_memory import resident_bytes
from planners.parts import PATCHES
from planners.sizing.budgets import PLANNED_SHARE

# Of the memory that is free beside the training; the rest is for loading, for validation and for other programs.
HELD_SHARE = 0.75
# So many cases are named in a report.
NAMED = 5
# What loading a case takes at its peak, per voxel: the label map, its components and their order, and for each
# channel the array as it was stored and as it is held.
LOADING_BYTES, LOADING_BYTES_PER_CHANNEL = 16, 8


@dataclass(frozen=True, kw_only=True, slots=True)
class FreeMemory:
    """Bytes that are free for training cases."""

    device: float
    memory: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StoredVoxels:
    """A case that stays on the disk.

    Attributes:
        view: of the stored arrays that the configuration looks at.
        labels: of a scan with pseudo-labels, in that view, compressed as `components` are; None for stored labels.
        components: of the masks that the network sees, in that view; compressed in memory, they are nearly all alike.
    """

    store: Store
    case: str
    view: View
    channels: int
    components: tuple[bytes, ...]
    labels: bytes | None = None

    @property
    def shape(self) -> Triple:
        """Voxels along x, y and z."""
        return self.view.box.shape()

    @property
    def device(self) -> None:
        """Nowhere: boxes are read."""
        return

    def read_box(self, box: Box) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Read image and maps.

        Raises:
            WorkspaceError: the case cannot be read.
        """
        stored = self.view.locate(box)
        image = self.view.turn(self.store.read_image(self.case, stored))
        labels = self._read_labels(stored) if self.labels is None else unpack_array(self.labels, box)
        maps = (labels, *(unpack_array(packed, box) for packed in self.components))
        return torch.from_numpy(image), tuple(map(torch.from_numpy, maps))

    def _read_labels(self, stored: Box) -> NDArray[np.uint8]:
        return self.view.turn(self.store.read_labels(self.case, stored))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What is loaded as one training case.

    Attributes:
        name: of the case, and which half of it that is.
        view: of the stored arrays.
    """

    case: str
    name: str
    view: View

    def voxels(self) -> int:
        return int(np.prod(self.view.box.shape()))


def load_cases(
    job: Job, device: torch.device, progress: Progress, marked: Sequence[str] = ()
) -> tuple[Sequence[TrainingCase], CaseResidency]:
    """Load every training case where it fits, on the disk if nowhere else, and report the residency of all.

    Of scans that are divided, each half is a case.

    Args:
        job: the fold.
        device: that trains.
        progress: receiver of progress reports.
        marked: scans without labels whose pseudo-labels it is trained on as well.
    """
    channels, names = job.plan.image_channels(job.configuration), (*job.cases.train, *marked)
    seen = _list_seen(job, names, progress)
    voxels = [one.voxels() for one in seen]
    masks = len(job.configuration.masks())
    sizes = [resident_bytes(count, channels, masks) for count in voxels]
    free = measure_free_memory(job, device)
    chosen = choose_residency(sizes, free)
    residency = _summarise(chosen, sizes, free)
    progress.say(describe(residency))
    gate = MemoryGate(limit_bytes=free.memory * (1 - HELD_SHARE))
    devices = {"device": device, "memory": torch.device("cpu"), "disk": None}

    def load(number: int) -> TrainingCase:
        with gate.hold(voxels[number] * (LOADING_BYTES + LOADING_BYTES_PER_CHANNEL * channels)):
            return _load(job, seen[number], devices[chosen[number]])

    with ThreadPoolExecutor(count_cores()) as pool:
        return list(pool.map(load, range(len(chosen)))), residency


def _list_seen(job: Job, names: Sequence[str], progress: Progress) -> list[_Seen]:
    """Return what the configuration looks at of every training case, and report where nothing was found."""
    found = [job.inputs.find_training_crop(case) for case in names]
    lacking = [case for case, crop in zip(names, found, strict=True) if crop.missed]
    if lacking:
        listed = some_of(lacking, NAMED)
        what = counted(
            len(lacking),
            "training case holds nothing to crop to and is looked at as a whole",
            "training cases hold nothing to crop to and are looked at as a whole",
        )
        progress.say(f"{what}: {listed}.")
    return [one for case, crop in zip(names, found, strict=True) for one in _divide(job, case, crop.box)]


def _divide(job: Job, case: str, box: Box) -> Iterator[_Seen]:
    """Yield a case, or each half of it: patches and lesions lie on one side of the middle."""
    views = job.inputs.divide(case, box)
    for number, view in enumerate(views, 1):
        name = case if job.configuration.halves is None else f"{case}, half {number} of {len(views)}"
        yield _Seen(case=case, name=name, view=view)


def measure_free_memory(job: Job, device: torch.device) -> FreeMemory:
    """Measure what a GPU, and the memory of this process, have free beside the predicted peak of the training.

    Apple's GPU shares its memory with the processor: what is free there is free on the device.
    """
    training = tensor_bytes(job, bfloat16=autocast_type(device) == torch.bfloat16)
    free = free_memory_gb() * GIB - (training if device.type != "cuda" else 0)
    memory = HELD_SHARE * max(0.0, free) if job.memory_gb is None else job.memory_gb * GIB
    if device.type == "cuda":
        unused, whole = torch.cuda.mem_get_info()
        return FreeMemory(device=max(0.0, min(unused, job.memory_share * whole) - training), memory=memory)
    return FreeMemory(device=0.0, memory=memory) if device.type == "cpu" else FreeMemory(device=memory, memory=0.0)


def tensor_bytes(job: Job, *, bfloat16: bool) -> float:
    """Return the memory that a training is predicted to take at its peak, beside its cases.

    Args:
        job: the training.
        bfloat16: whether the device that trains multiplies bfloat16 natively, whatever the plan's machine does.
    """
    plan = replace(job.plan, machine=replace(job.plan.machine, bfloat16=bfloat16))
    return predict_configuration(plan, job.configuration).tensors() / PLANNED_SHARE


def choose_residency(sizes: Sequence[int], free: FreeMemory) -> list[str]:
    """Return for each size, in order, the fastest of `device`, `memory` and `disk` that it still fits into."""
    on_device = fit_into(sizes, free.device)
    in_memory = iter(fit_into([size for size, here in zip(sizes, on_device, strict=True) if not here], free.memory))
    return ["device" if here else "memory" if next(in_memory) else "disk" for here in on_device]


def fit_into(sizes: Sequence[int], free: float) -> list[bool]:
    """Return for each of these sizes, in order, whether it still fits into what the ones before left free."""
    fits = []
    for size in sizes:
        fits.append(size <= free)
        free -= size * fits[-1]
    return fits


def describe(found: CaseResidency) -> str:
    """Return a line for a person: where the training cases are, and why."""
    where = [f"{found.on_device} on the device ({show_gib(found.device_free_gb)} free)"] if found.on_device else []
    where += [f"{found.in_memory} in memory ({show_gib(found.memory_free_gb)} for cases)"] if found.in_memory else []
    where += [f"{found.on_disk} stay on the disk, patches are read ahead"] if found.on_disk else []
    why = f": memory has {show_gib(found.memory_free_gb)} for cases (--memory-gb)" if found.on_disk else ""
    return f"{counted(found.cases(), 'training case')}, {show_gib(found.needed_gb)}: {', '.join(where)}{why}."


def _summarise(chosen: Sequence[str], sizes: Sequence[int], free: FreeMemory) -> CaseResidency:
    count = Counter(chosen)
    return CaseResidency(
        on_device=count["device"],
        in_memory=count["memory"],
        on_disk=count["disk"],
        needed_gb=round(sum(sizes) / GIB, 6),
        device_free_gb=round(free.device / GIB, 6),
        memory_free_gb=round(free.memory / GIB, 6),
    )


def _load(job: Job, seen: _Seen, device: torch.device | None) -> TrainingCase:
    """Load what the configuration looks at of a case; the training case knows of nothing outside of it."""
    inputs, heads, case, view = job.inputs, job.inputs.scheme.heads(), seen.case, seen.view
    shown = zip(inputs.read_masks(case), inputs.masks, strict=True)
    masks = [split_mask(view.take(mask), found.scheme.heads().targets()) for mask, found in shown]
    pseudo = np.ascontiguousarray(view.take(read_pseudo_label(job, case))) if case in job.unlabelled else None
    labels = view.turn(inputs.store.read_labels(case, view.box)) if pseudo is None else pseudo
    voxels: CaseVoxels
    if device is None:
        voxels = StoredVoxels(
            store=inputs.store,
            case=case,
            view=view,
            channels=job.plan.image_channels(job.configuration),
            components=tuple(pack_array(components) for components, _ in masks),
            labels=None if pseudo is None else pack_array(pseudo),
        )
    else:
        image = view.turn(inputs.store.read_image(case, view.box))
        voxels = hold_voxels(image, labels, device, [components for components, _ in masks])
    balanced = resolve(job.configuration.sampling.patches, PATCHES, "patches").needs_lesions()
    loaded = make_case(seen.name, voxels, labels, heads, find_lesions=balanced)
    return replace(loaded, masks=tuple(mask for _, mask in masks), origin=inputs.origin(case))
