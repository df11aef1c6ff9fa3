from __future__ import annotations

from dataclasses import replace

from torch.utils.flop_counter import FlopCounterMode

from autoseg.hardware import profile_machine
from autoseg.hardware.speed import _build_stage, measure_speed


def test_speed_is_measured_and_the_profile_else_kept() -> None:
    machine = profile_machine()
    measured = measure_speed(machine, at_least_seconds=0.1)
    assert machine.multiplications_per_second is None
    assert measured.multiplications_per_second is not None
    # A pocket calculator does not train; no machine of today does a million times a CPU's 1e10.
    assert 1e7 < measured.multiplications_per_second < 1e16
    assert replace(measured, multiplications_per_second=None) == machine


def test_the_network_that_speed_is_measured_on_is_counted_as_torch_counts_it() -> None:
    import torch

    with torch.device("meta"):
        network, multiplications = _build_stage(4, 8)
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 4, 8, 8, 8))
    assert counter.get_total_flops() == 2 * multiplications
