"""The reasons for device, patch, batch and network."""

from __future__ import annotations

from dataclasses import replace

from planners.sizing.size_decisions import explain_device
from tests.synthetic.machines import CPU, GPU


def test_a_memory_that_is_not_the_devices_is_said_to_be_asked_for() -> None:
    small = explain_device(replace(CPU, memory_gb=32.0), 8.0, short=False)
    assert "sized for 8 GiB, as the planner or --gpu-memory-gb says" in small.rule
    assert "whatever the device that trains has (32 GiB)" in small.rule
    assert "sized to fill the memory of the device" in explain_device(GPU, 8.0, short=False).rule
