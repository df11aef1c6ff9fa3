"""The device that computes: which one, its numbers, its memory."""

from __future__ import annotations

import gc
import os
import platform
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.hardware.allocation import give_freed_memory_back
from autoseg.hardware.limits import count_cores, memory_limit_gb, read_field
from dataset_fingerprints.sizes import GIB
from planners.machine import MachineProfile

if TYPE_CHECKING:
    import torch

# Set to 1, it keeps a CPU from computing in bfloat16, as if it had no instructions for it.
FLOAT32 = "AUTOSEG_FLOAT32"

# Parts of errors without a class of their own: of a CPU's allocator, oneDNN, Apple's GPU, and of CUDA beside torch's
# allocator, as where other programs fill the GPU.
_OUT_OF_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "could not create a memory",
    "MPS backend out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
# oneDNN's whole message where the code that it makes for a layer finds no room; what is unsupported has more words.
_NO_ROOM_FOR_CODE = "could not create a primitive"


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
    if not isinstance(error, RuntimeError):
        return False
    said = str(error)
    return said.strip() == _NO_ROOM_FOR_CODE or any(sign in said for sign in _OUT_OF_MEMORY)


def release_memory() -> None:
    """Give back what a failed computation held, once nothing refers to it any more."""
    import torch

    gc.collect()
    give_freed_memory_back()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _cpu_name() -> str:
    return _cpu_field("model name") or platform.processor() or platform.machine()


def _cpu_multiplies_bfloat16() -> bool:
    """Return whether the CPU has bfloat16 instructions; without them bfloat16 is slower than float32."""
    if os.environ.get(FLOAT32, "") == "1":
        return False
    flags = set(_cpu_field("flags").split()) | set(_cpu_field("Features").split())
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def _cpu_field(name: str) -> str:
    return read_field(Path("/proc/cpuinfo"), name)
