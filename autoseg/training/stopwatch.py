"""Timing of a training step without making the device wait."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from dataset_fingerprints.sizes import GIB

_RESIDENT = Path("/proc/self/statm")


@dataclass(kw_only=True, slots=True)
class Stopwatch:
    """Sums the time of the named phases of steps: on a GPU by events in its own queue, else by the clock.

    Attributes:
        clock: returns seconds.
    """

    device: torch.device
    clock: Callable[[], float]
    _seconds: dict[str, float] = field(default_factory=dict)
    _events: list[tuple[str, torch.cuda.Event]] = field(default_factory=list)
    _last: float = 0.0

    def start(self) -> None:
        """Begin a step."""
        if self.device.type == "cuda":
            self._mark("")
        else:
            self._last = self.clock()

    def lap(self, phase: str) -> None:
        """End a phase that began with the step or with the phase before."""
        if self.device.type == "cuda":
            self._mark(phase)
            return
        now = self.clock()
        self._seconds[phase] = self._seconds.get(phase, 0.0) + now - self._last
        self._last = now

    def read(self, steps: int) -> dict[str, float]:
        """Return the mean seconds per step of every phase, and forget them; call it where the device is in step."""
        for (_, before), (phase, after) in zip(self._events, self._events[1:], strict=False):
            if phase:
                self._seconds[phase] = self._seconds.get(phase, 0.0) + before.elapsed_time(after) / 1000
        means = {phase: seconds / steps for phase, seconds in self._seconds.items()}
        self._events.clear()
        self._seconds.clear()
        return means

    def _mark(self, phase: str) -> None:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        self._events.append((phase, event))


def measure_memory(device: torch.device) -> dict[str, float]:
    """Return the memory in GiB in use now and at most so far: of the device, or of this process where the CPU trains.

    What a process holds now is known where there is a /proc.
    """
    if device.type == "cuda":
        figures = {
            "memory_gb": torch.cuda.max_memory_allocated(device),
            "memory_now_gb": torch.cuda.memory_allocated(device),
        }
    else:
        unit = 1 if sys.platform == "darwin" else 1024
        figures = {"memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
        if _RESIDENT.is_file():
            now = int(_RESIDENT.read_text(encoding="utf-8").split()[1]) * resource.getpagesize()
            # The kernel may count the most a little later than what is held now.
            figures = {"memory_gb": max(figures["memory_gb"], now), "memory_now_gb": now}
    return {name: round(count / GIB, 3) for name, count in figures.items()}
