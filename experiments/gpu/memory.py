"""Predicted and measured peak memory of training steps, for plans of every kind."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from autoseg.hardware import profile_machine
from autoseg.training.position import Position
from autoseg.training.setting import Setup
from autoseg.training.step import Stepper
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.publications import expand, read_published
from dataset_fingerprints.sizes import GIB
from experiments.costs.noise_training import make_setup
from experiments.gpu.bench import Bench, Meter, Row
from planners.editing.overrides import set_values
from planners.networks.memory_decisions import predict_configuration
from planners.order import find_configuration
from planners.plan import Plan
from planners.planner import PlanRequest
from planners.presets import make_plan

STEPS = 3
_MRI, _SMALL, _HEART, _CT, _STROKE = "atlas_r2_mni", "msd_hippocampus", "acdc_like", "ct_3mm_512", "isles_2mm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A plan to measure.

    Attributes:
        data_set: a published one.
        memory_gb: that the plan is made for; 0 for most of this GPU's.
        sets: values that are changed.
        channels: more input channels than the data set has, as the later stage of a cascade sees.
        numbers: the type of the convolutions' numbers; "" for the plan's.
    """

    name: str
    data_set: str = _MRI
    planner: str = "nnunet"
    memory_gb: float = 8.0
    configuration: str = "3d_fullres"
    sets: tuple[str, ...] = ()
    channels: int = 0
    numbers: str = ""


VARIANTS = (
    Variant(name="small, 3D", data_set=_SMALL, planner="default", memory_gb=4),
    Variant(name="small, 2D", data_set=_SMALL, planner="default", memory_gb=4, configuration="2d"),
    Variant(name="two labels, nnU-Net", data_set=_SMALL),
    Variant(name="nnU-Net"),
    Variant(name="float32", sets=("training.mixed_precision=false",)),
    Variant(name="float16", numbers="float16"),
    Variant(name="no deep supervision", sets=("network.options.deep_supervision=false",)),
    Variant(name="two more channels", channels=2),
    Variant(name="recomputed", planner="default", sets=("training.recomputed=true",)),
    Variant(name="default", planner="default"),
    Variant(name="2D, nnU-Net", configuration="2d"),
    Variant(name="three labels, residual M", data_set=_HEART, planner="nnunet-resenc-m"),
    Variant(name="batch of 4", sets=("batch_size=4",), memory_gb=8),
    Variant(name="three labels, 2D", data_set=_HEART, planner="default", memory_gb=6, configuration="2d"),
    Variant(name="several channels", data_set=_STROKE, planner="default", memory_gb=12),
    Variant(name="CT, residual L", data_set=_CT, planner="nnunet-resenc-l", memory_gb=24),
    Variant(name="this GPU, default", planner="default", memory_gb=0),
)
# Of this GPU's memory, what the largest plan is made for: other processes and the driver hold some of it.
_SHARE = 0.85
_TINY = (
    "patch_shape=[16,16,16]",
    "batch_size=2",
    "network.options.features=[4,8]",
    "network.options.kernels=[[3,3,3],[3,3,3]]",
    "network.options.strides=[[1,1,1],[2,2,2]]",
    "network.options.encoder_blocks=[1,1]",
    "network.options.decoder_blocks=[1]",
)


def compare_memory(bench: Bench, variants: Sequence[Variant] = VARIANTS) -> Iterator[Row | str]:
    """Yield a row per plan, and at the end what the ratios of predicted to measured memory are."""
    ratios: list[float] = []
    longest, largest = 0.0, profile_machine().memory_gb
    _warm_up(bench)
    for number, variant in enumerate(variants):
        if bench.left() < 1.5 * longest + 3:
            yield f"No time was left for {len(variants) - number} of {len(variants)} plans."
            break
        if variant.memory_gb > largest and not bench.tiny:
            continue
        began = time.monotonic()
        row, ratio = _check(variant, bench)
        longest = max(longest, time.monotonic() - began)
        ratios += [ratio] if ratio else []
        yield row
    if ratios:
        low = sum(ratio < 1 for ratio in ratios)
        yield (
            f"Predicted / measured of {len(ratios)} plans: median {statistics.median(ratios):.2f}, lowest "
            f"{min(ratios):.2f}, highest {max(ratios):.2f}; {low} measured above the prediction."
        )


def _warm_up(bench: Bench) -> None:
    """Start the device and its libraries, so that the first plan's time tells of the others' times."""
    measure(make_variant(Variant(name="start", data_set=_SMALL, memory_gb=1), bench)[1])


def _check(variant: Variant, bench: Bench) -> tuple[Row, float | None]:
    plan, setup = make_variant(variant, bench)
    predicted = predict_configuration(plan, setup.configuration).tensors() / GIB
    measured = measure(setup)
    ratio = predicted / measured if measured else None
    patch = "x".join(map(str, setup.configuration.network_patch()))
    row: Row = {
        "plan": variant.name,
        "patch": f"{patch}, {setup.configuration.batch_size}",
        "predicted GiB": predicted,
        "measured GiB": measured,
        "ratio": ratio,
        "": "does not fit" if measured is None else "TOO LOW" if ratio is not None and ratio < 1 else "",
    }
    return row, ratio


def make_variant(variant: Variant, bench: Bench) -> tuple[Plan, Setup]:
    """Return a plan, and its training on noise on the bench's device."""
    machine = profile_machine()
    memory_gb = min(variant.memory_gb or machine.memory_gb, _SHARE * machine.memory_gb)
    fingerprint = expand(read_published(variant.data_set))
    plan = make_plan(fingerprint, PlanRequest(planner=variant.planner, machine=machine, memory_gb=memory_gb))
    name = variant.configuration
    if bench.tiny:
        name = "3d_fullres"
        plan = set_values(plan, [f"{name}.{text}" for text in _TINY])
    plan = set_values(plan, [text if text.startswith("training") else f"{name}.{text}" for text in variant.sets])
    plan = replace(plan, channels=(*plan.channels, *(f"mask {number}" for number in range(variant.channels))))
    setup = make_setup(plan, find_configuration(plan.configurations, name, "the plan"), STEPS)
    return plan, replace(setup, autocast=getattr(torch, variant.numbers)) if variant.numbers else setup


def measure(setup: Setup) -> float | None:
    """Make some steps and return torch's peak in GiB, the training cases left out; None where memory runs out."""
    meter = Meter(device=setup.device)
    with tempfile.TemporaryDirectory() as folder:
        try:
            step(setup, FoldFolder(root=Path(folder)), STEPS)
        except torch.OutOfMemoryError:
            return None
        return meter.peak_gb()


def step(setup: Setup, folder: FoldFolder, steps: int) -> None:
    """Make the first steps of a training."""
    stepper = Stepper(setup, folder)
    try:
        for iteration in range(steps):
            stepper.fetch(Position(iteration=iteration))
            stepper.run(Position(iteration=iteration), 1e-3).item()
    finally:
        stepper.close()
