"""Profile of the machine that will train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineProfile:
    """A machine as far as a plan depends on it; `autoseg` measures it.

    Attributes:
        device: the kind of device that trains.
        name: as the hardware calls itself.
        memory_gb: of the device (for a CPU: what this process may use), in GiB.
        cores: CPU cores that this process may use.
        bfloat16: whether the device multiplies bfloat16 natively.
        multiplications_per_second: multiply-adds of the forward passes that a training gets done in a second; null
            where it was not measured, as of a machine elsewhere.
    """

    device: Literal["cpu", "cuda", "mps"]
    name: str
    memory_gb: float
    cores: int
    bfloat16: bool
    multiplications_per_second: float | None = None
