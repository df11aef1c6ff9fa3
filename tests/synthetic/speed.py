"""The speed of this machine measured in milliseconds, for all tests that do not look at it."""

from __future__ import annotations

from autoseg import hardware
from autoseg.hardware import speed
from planners.machine import MachineProfile


def measure_briefly(machine: MachineProfile, at_least_seconds: float = 0.0) -> MachineProfile:
    """Measure on a smaller network, and no longer than it takes: planning does so every time, for a line of text."""
    maps = speed._CPU_MAPS
    speed._CPU_MAPS = (8, 16)
    try:
        return speed.measure_speed(machine, 0.0)
    finally:
        speed._CPU_MAPS = maps


def let_measure_briefly() -> None:
    """Put this in the place of the usual way; to be called before a module imports that by its name."""
    hardware.measure_speed = measure_briefly
