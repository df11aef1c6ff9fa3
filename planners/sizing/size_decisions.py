"""The reasons for device, patch, batch and network, in words."""

from __future__ import annotations

import math

from dataset_fingerprints.geometry import AXIS_NAMES, show_lengths, show_spacing
from dataset_fingerprints.names import counted
from planners.machine import MachineProfile
from planners.parts.networks import UNetOptions
from planners.plan import Configuration, Decision
from planners.rules.spacing import Resolution


def explain_device(machine: MachineProfile, memory_gb: float, *, short: bool) -> Decision:
    """Say what the plan was made for, loudly when it is a CPU."""
    cores, kind = counted(machine.cores, "core"), "bfloat16" if machine.bfloat16 else "float32"
    evidence = f"{machine.name}: {memory_gb:g} GiB to plan for, {cores}, feature maps in {kind}"
    if short:
        return Decision(
            field="machine.device",
            value="CPU PLAN",
            rule="NO GPU: network, patch and training are small, so that minutes of a CPU are worth something. For the "
            "best result plan on a machine with a GPU, or give the memory of the GPU that will train "
            "(--gpu-memory-gb).",
            evidence=evidence,
            change="a machine with a GPU, or --gpu-memory-gb",
        )
    rule = "Network, patch and batch are sized to fill the memory of the device that trains."
    if memory_gb != machine.memory_gb:
        rule = (
            f"Network, patch and batch are sized for {memory_gb:g} GiB, as the planner or --gpu-memory-gb says, "
            f"whatever the device that trains has ({machine.memory_gb:.3g} GiB)."
        )
    return Decision(
        field="machine.device",
        value=machine.device,
        rule=rule,
        evidence=evidence,
        change="another machine, or --gpu-memory-gb",
    )


def explain_size(configuration: Configuration, network: UNetOptions, resolution: Resolution) -> tuple[Decision, ...]:
    """Give the reasons for one configuration's patch, batch and network."""
    decisions = [_explain_patch(configuration, resolution), _explain_batch(configuration)]
    decisions.append(_explain_network(configuration, network))
    if configuration.slice_axis >= 0:
        decisions.insert(0, _explain_slice_axis(configuration, resolution))
    return tuple(decisions)


def _explain_slice_axis(configuration: Configuration, resolution: Resolution) -> Decision:
    rule = "Slices are cut across the axis with the largest voxels, the axial one where all are equal."
    if resolution.flat:
        rule = "Every scan is a single slice."
    return Decision(
        field=f"{configuration.name}.slice_axis",
        value=AXIS_NAMES[configuration.slice_axis],
        rule=rule,
        evidence=f"target voxel size {show_spacing(resolution.spacing_mm)} mm",
        change="scans whose voxels are longest along another axis",
    )


def _explain_patch(configuration: Configuration, resolution: Resolution) -> Decision:
    axes = configuration.network_axes()
    patch = [configuration.patch_shape[axis] for axis in axes]
    body = [resolution.median_shape[axis] for axis in axes]
    what = "median body" if configuration.halves is None else "half of the median body"
    shares = [min(1.0, length / median) for length, median in zip(patch, body, strict=True)]
    whole = min(shares) == 1.0
    rule = "The patch is what the network sees at once: as much of the body as fits, in steps it can halve."
    if whole:
        rule = f"The patch holds a whole {what}, rounded up to lengths that the network can halve."
    covers = ", ".join(f"{AXIS_NAMES[axis]} {share:.0%}" for axis, share in zip(axes, shares, strict=True))
    return Decision(
        field=f"{configuration.name}.patch_shape",
        value=f"{show_lengths(patch)} voxels",
        rule=rule,
        evidence=f"{what} after resampling: {show_lengths(body)} voxels; the patch covers {covers}",
        change="more memory, larger voxels, or another planner",
    )


def _explain_batch(configuration: Configuration) -> Decision:
    return Decision(
        field=f"{configuration.name}.batch_size",
        value=str(configuration.batch_size),
        rule="As many patches per step as the budget allows, at least 2; single ones where a short time asks for it.",
        evidence=f"one patch has {math.prod(configuration.patch_shape):,} voxels",
        change="more memory where the patch already holds the body, more scans, or another planner",
    )


def _explain_network(configuration: Configuration, network: UNetOptions) -> Decision:
    axes = configuration.network_axes()
    halved = [sum(level[position] > 1 for level in network.strides) for position in range(len(axes))]
    counts = ", ".join(f"{AXIS_NAMES[axis]} {count} times" for axis, count in zip(axes, halved, strict=True))
    return Decision(
        field=f"{configuration.name}.network",
        value=network.describe(),
        rule="Each level halves the finest axes, until at least 4 voxels are left along each; coarse axes join late.",
        evidence=f"halved along {counts}",
        change="another patch or voxel size, or another planner",
    )
