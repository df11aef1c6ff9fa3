"""Device, memory and cores that this process may use: by affinity and cgroup, not by what is built in."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import threading
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_fingerprints.sizes import GIB
from planners.machine import MachineProfile

if TYPE_CHECKING:
    import torch

# Number of our processes that share the machine, this one included. Pinning it to some of the cores instead would
# leave it waiting wherever a stranger keeps one of these busy.
SHARERS = "AUTOSEG_SHARERS"
SPIN_COUNT = "GOMP_SPINCOUNT"
MEASURED_SECONDS = 3.0
# How errors without a class of their own begin: of a CPU's allocator, of oneDNN, and of Apple's GPU.
_OUT_OF_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "could not create a memory",
    "MPS backend out of memory",
)
UNMEASURED_STEPS, LEAST_STEPS = 2, 5
# Width and edge of the feature maps that speed is measured on: those of the finest stage that is planned there.
_CPU_MAPS, _GPU_MAPS = (16, 48), (32, 128)


def share_cores_with_others() -> None:
    """Let waiting OpenMP threads give their core up soon; call it before torch is imported.

    By default they spin for so long that two trainings on the same cores slow each other down many times over
    (experiments/LOG.md, "Waiting threads"). A setting of the user's own is kept.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault(SPIN_COUNT, "2000")


@cache
def calm_threads() -> None:
    """Let waiting OpenMP threads give their core up soon, without the environment: for use as a library.

    The OpenMP library reads its settings once, when torch loads it, which may be over. But it lets threads spin only
    shortly as long as there are more of them than cores: so a second, idle team of threads is kept (experiments/LOG.md,
    "Waiting threads, without the environment").
    """
    import torch

    if not {"OMP_WAIT_POLICY", SPIN_COUNT}.isdisjoint(os.environ) or count_cores() == 1:
        return
    started = threading.Event()

    def wait_for_ever() -> None:
        # Large enough to be shared among threads, which then belong to this one.
        torch.ones(1 << 18).add_(1)
        started.set()
        threading.Event().wait()

    threading.Thread(target=wait_for_ever, name="idle OpenMP team", daemon=True).start()
    started.wait()


def count_cores() -> int:
    """Count the CPU cores that this process may use: by affinity, its cgroup's quota, and how many share them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.is_file():
        limit, _, period = quota.read_text().strip().partition(" ")
        if limit != "max":
            allowed = min(allowed, max(1, int(limit) // int(period)))
    return max(1, allowed // _count_sharers())


def _count_sharers() -> int:
    return int(os.environ.get(SHARERS, "1"))


def memory_limit_gb() -> float:
    """Return the memory in GiB that this process may use: the machine's, or less by its cgroup's limit."""
    total = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file():
        text = limit.read_text().strip()
        if text != "max":
            total = min(total, float(text))
    return round(total / GIB, 1)


def free_memory_gb() -> float:
    """Return the memory in GiB that this process could take now: what the machine has left, or less by its cgroup."""
    free = memory_limit_gb() * GIB
    figures = Path("/proc/meminfo")
    if figures.is_file():
        free = min(free, 1024 * float(_field(figures, "MemAvailable").split()[0]))
    group = Path("/sys/fs/cgroup")
    limit = group / "memory.max"
    if limit.is_file() and limit.read_text().strip() != "max":
        # Files that were read stay counted as used until the space is needed.
        cached = _field(group / "memory.stat", "inactive_file", " ")
        used = float((group / "memory.current").read_text()) - float(cached or 0)
        free = min(free, float(limit.read_text()) - used)
    return max(free, 0.0) / GIB / _count_sharers()


def may_have_gpu() -> bool:
    """Return whether there can be a GPU, without importing torch."""
    on_apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    nodes = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
    return on_apple or platform.system() == "Windows" or any(Path(node).exists() for node in nodes)


def profile_machine() -> MachineProfile:
    """Describe the device that would train here: a CUDA GPU, Apple's GPU, else the CPU.

    torch is imported only where a GPU can be, so that planning on a laptop stays instant.
    """
    if may_have_gpu():
        import torch

        if torch.cuda.is_available():
            properties = torch.cuda.get_device_properties(0)
            return MachineProfile(
                device="cuda",
                name=str(properties.name),
                memory_gb=round(properties.total_memory / GIB, 1),
                cores=count_cores(),
                bfloat16=torch.cuda.is_bf16_supported(including_emulation=False),
            )
        if torch.backends.mps.is_available():
            return MachineProfile(
                device="mps", name="Apple GPU", memory_gb=memory_limit_gb(), cores=count_cores(), bfloat16=False
            )
    return MachineProfile(
        device="cpu",
        name=_cpu_name(),
        memory_gb=memory_limit_gb(),
        cores=count_cores(),
        bfloat16=_cpu_multiplies_bfloat16(),
    )


def measure_speed(machine: MachineProfile, at_least_seconds: float = MEASURED_SECONDS) -> MachineProfile:
    """Return the profile of this machine with its speed, from a few seconds of training a small network.

    The network is one level of a U-Net with the way down and up again; planners predict with it how long steps of other
    networks take (experiments/LOG.md, "Predicted seconds per step").
    """
    import torch

    device = choose_device()
    features, edge = _CPU_MAPS if device.type == "cpu" else _GPU_MAPS
    network, multiplications = _build_stage(features, edge)
    layout = torch.channels_last_3d if device.type == "cpu" else torch.contiguous_format
    network = network.to(device)
    batch = torch.randn(2, features, edge, edge, edge, device=device).to(memory_format=layout)
    seconds: list[float] = []
    start = time.perf_counter()
    while len(seconds) < LEAST_STEPS or time.perf_counter() - start < at_least_seconds:
        seconds.append(_time_step(network, batch))
    median = statistics.median(seconds[UNMEASURED_STEPS:])
    return replace(machine, multiplications_per_second=float(f"{len(batch) * multiplications / median:.3g}"))


def _build_stage(features: int, edge: int) -> tuple[torch.nn.Module, int]:
    """Return convolutions at full resolution and two at half of it in between, and the multiply-adds of a patch."""
    from torch import nn

    fine, coarse = edge**3, (edge // 2) ** 3
    shapes = ((features, features, 1), (features, 2 * features, 2), (2 * features, 2 * features, 1))
    parts: list[nn.Module] = []
    for inputs, outputs, stride in shapes:
        parts += [nn.Conv3d(inputs, outputs, 3, stride, 1), nn.BatchNorm3d(outputs), nn.LeakyReLU(0.01, inplace=True)]
    parts += [nn.ConvTranspose3d(2 * features, features, 2, 2), nn.Conv3d(features, features, 3, 1, 1)]
    per_voxel = 27 * features * features
    multiplications = fine * (2 * per_voxel + 2 * features * features) + coarse * (2 * per_voxel + 4 * per_voxel)
    return nn.Sequential(*parts), multiplications


def _time_step(network: torch.nn.Module, batch: torch.Tensor) -> float:
    """Return the seconds of a forward and backward pass, with the device in step before and after."""
    import torch

    device, number_type = batch.device, autocast_type(batch.device)
    start = time.perf_counter()
    with torch.autocast(device.type, dtype=number_type, enabled=number_type != torch.float32):
        output = network(batch)
    loss = output.float().square().mean()
    loss.backward()
    network.zero_grad(set_to_none=True)
    loss.item()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


@cache
def choose_device() -> torch.device:
    """Return the device to compute on, and let torch use as many threads as there are cores for this process."""
    import torch

    torch.set_num_threads(count_cores())
    if torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def limit_memory(device: torch.device, share: float) -> None:
    """Let torch take no more than this share of a GPU's memory; what is beyond it counts as out of memory."""
    import torch

    if device.type == "cuda" and share < 1.0:
        torch.cuda.set_per_process_memory_fraction(share)


def autocast_type(device: torch.device) -> torch.dtype:
    """Return the number type for convolutions: bfloat16 where the device multiplies it natively, else float32."""
    import torch

    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and _cpu_multiplies_bfloat16()
    return torch.bfloat16 if native else torch.float32


def ran_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the device has no memory left; any other error of a computation does not."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY)


def release_memory() -> None:
    """Give back what a failed computation held, once nothing refers to it any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _cpu_name() -> str:
    return _cpu_field("model name") or platform.processor() or platform.machine()


def _cpu_multiplies_bfloat16() -> bool:
    """Return whether the CPU has bfloat16 instructions; without them bfloat16 is slower than float32."""
    flags = set(_cpu_field("flags").split()) | set(_cpu_field("Features").split())
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def _cpu_field(name: str) -> str:
    return _field(Path("/proc/cpuinfo"), name)


def _field(information: Path, name: str, between: str = ":") -> str:
    if not information.is_file():
        return ""
    for line in information.read_text().splitlines():
        key, _, value = line.partition(between)
        if key.strip() == name:
            return value.strip()
    return ""
