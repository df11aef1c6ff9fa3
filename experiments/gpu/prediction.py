"""Prediction of a whole head at 1 mm with a plan for this GPU: seconds and memory, also where little of it is free."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.networks import build_network
from autoseg.prediction.ensemble import Ensemble
from autoseg.prediction.loaded import LoadedModel
from autoseg.prediction.members import Member, make_window
from experiments.gpu.bench import Bench, Meter, Row, host_peak_gb, wait_for
from experiments.gpu.memory import Variant, make_variant
from planners.plan import Configuration, Plan

SHAPE, TINY_SHAPE = (197, 233, 189), (24, 28, 20)
# Of what a prediction took at its peak, what is left to it beside another program's allocation.
LEFT = 0.6


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A network with random weights, and a scan."""

    plan: Plan
    configuration: Configuration
    network: torch.nn.Module
    scan: NDArray[np.float32]


def predict_head(bench: Bench) -> Iterator[Row | str]:
    """Yield a row per way to predict the scan."""
    case = _make_case(bench)
    patch = "x".join(map(str, case.configuration.patch_shape))
    tiles = 2 * case.configuration.batch_size
    yield f"Scan of {'x'.join(map(str, case.scan.shape))} voxels, patches of {patch}, up to {tiles} at once."
    row, _ = _predict(case, "first, without flips", bench, mirror=False)
    yield row
    row, peak = _predict(case, "without flips", bench, mirror=False)
    yield row
    yield _predict(case, "with flips", bench, mirror=True)[0]
    with_little = _hold_most(bench, round(LEFT * peak))
    yield _predict(case, f"{LEFT:.0%} of that memory free", bench, mirror=False)[0]
    yield f"Another allocation held {with_little.nbytes / 2**30:.1f} GiB meanwhile."


def _make_case(bench: Bench) -> Case:
    """Return a network by the default plan of this GPU, and a ball of noise in air."""
    plan, setup = make_variant(Variant(name="prediction", planner="default", memory_gb=0), bench)
    network = build_network(setup.configuration, setup.channels, setup.heads.count()).to(bench.device)
    shape = TINY_SHAPE if bench.tiny else SHAPE
    axes = np.ogrid[tuple(slice(-1.0, 1.0, 1j * length) for length in shape)]
    inside = sum(axis**2 for axis in axes) < 0.8
    noise = np.random.default_rng(0).normal(100, 20, shape)
    return Case(
        plan=plan,
        configuration=setup.configuration,
        network=network.eval().requires_grad_(False),
        scan=np.where(inside, noise, 0).astype(np.float32),
    )


def _predict(case: Case, what: str, bench: Bench, *, mirror: bool) -> tuple[Row, int]:
    """Predict the scan; return a row, and the peak of the device's memory beside the network, in bytes."""
    scheme = case.plan.scheme
    window = make_window(case.configuration, scheme.heads(), bench.device, mirror=mirror)
    model = LoadedModel(
        predictor=Ensemble(members=(Member(network=case.network, window=window, scheme=scheme),)),
        scheme=scheme,
        channels=case.plan.channels,
        description="random",
    )
    meter, start, failure = Meter(device=bench.device), time.perf_counter(), ""
    try:
        model.predict(case.scan, spacing_mm=(1.0, 1.0, 1.0))
        wait_for(bench.device)
    except torch.OutOfMemoryError as error:
        failure = f"OUT OF MEMORY: {str(error).splitlines()[0][:80]}"
    seconds, peak = time.perf_counter() - start, meter.peak_bytes()
    figures = {"seconds": seconds, "device GiB": peak / 2**30, "host GiB": host_peak_gb()}
    return {"prediction": what, **figures, "": failure}, peak


def _hold_most(bench: Bench, left_bytes: int) -> torch.Tensor:
    """Allocate all free memory of the device but so much."""
    Meter(device=bench.device)  # gives back what torch keeps for later
    free = torch.cuda.mem_get_info()[0] if bench.device.type == "cuda" else left_bytes
    return torch.empty(max(1, free - left_bytes), dtype=torch.uint8, device=bench.device)
