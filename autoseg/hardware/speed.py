"""The speed of this machine, measured on a small network."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from autoseg.hardware.devices import autocast_type, choose_device
from planners.machine import MachineProfile

if TYPE_CHECKING:
    import torch

MEASURED_SECONDS = 3.0
UNMEASURED_STEPS, LEAST_STEPS = 2, 5
# Width and edge of the feature maps that speed is measured on: those of the finest stage that is planned there.
_CPU_MAPS, _GPU_MAPS = (16, 48), (32, 128)


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
