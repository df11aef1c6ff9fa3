"""Machines to plan for."""

from __future__ import annotations

from planners.machine import MachineProfile

GPU = MachineProfile(device="cuda", name="Test GPU", memory_gb=8.0, cores=8, bfloat16=True)
CPU = MachineProfile(device="cpu", name="Test laptop", memory_gb=8.0, cores=2, bfloat16=False)
BFLOAT16_CPU = MachineProfile(device="cpu", name="Test laptop", memory_gb=8.0, cores=2, bfloat16=True)
