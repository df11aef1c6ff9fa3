"""A worker that times training steps: `python -m experiments.gpu.step_times SECONDS SIZE KIND...`.

It prints a row per kind. SIZE is `tiny` or `large`. Its cores are those that it is started on.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.hardware import share_cores_with_others

share_cores_with_others()

import torch  # noqa: E402

from autoseg.networks import unet  # noqa: E402
from autoseg.pipeline.costs.small_part import make_noise_cases  # noqa: E402
from autoseg.training.position import Position  # noqa: E402
from autoseg.training.setting import Setup  # noqa: E402
from autoseg.training.step import Stepper  # noqa: E402
from autoseg.workspace.fold import FoldFolder  # noqa: E402
from experiments.costs.step_worker import make_bare_step  # noqa: E402
from experiments.gpu.bench import MARK, Bench, Meter, wait_for  # noqa: E402
from experiments.gpu.memory import Variant, make_variant  # noqa: E402
from planners.choices import Choice  # noqa: E402

UNTIMED, BLOCK, MOST_BLOCKS = 3, 4, 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A step to time.

    Attributes:
        augmentation: of the trainer's batches; "" for the bare network on one batch.
        cases: where the trainer's cases are.
        layout: of the bare network's feature maps.
        call: eager or compiled.
    """

    augmentation: str = ""
    cases: str = "device"
    layout: str = ""
    call: str = "eager"
    numbers: str = ""


KINDS = {
    "bare network": Kind(),
    "bare, channels first": Kind(layout="first"),
    "bare, channels last": Kind(layout="last"),
    "bare, float32": Kind(numbers="float32"),
    "bare, compiled": Kind(call="compiled"),
    "step, not augmented": Kind(augmentation="none"),
    "step, augmented": Kind(augmentation="standard"),
    "step, cases in memory": Kind(augmentation="standard", cases="cpu"),
}


def time_kind(kind: Kind, seconds: float, bench: Bench) -> dict[str, float]:
    """Return milliseconds of a step, how many were timed, and the peak of the device's memory in GiB."""
    meter = Meter(device=bench.device)
    plan, setup = make_variant(Variant(name="steps", numbers=kind.numbers), bench)
    if kind.cases != "device":
        cases = make_noise_cases(plan, setup.configuration, torch.device(kind.cases))
        setup = replace(setup, cases=cases)
    before = vars(unet)["lay_out"]
    with tempfile.TemporaryDirectory() as folder, _as_it_was(before):
        step, close = _make(kind, setup, FoldFolder(root=Path(folder)))
        try:
            blocks = _time(step, seconds, bench)
        finally:
            close()
    return {
        "ms": 1000 * statistics.median(blocks) / BLOCK,
        "steps": BLOCK * len(blocks),
        "peak GiB": meter.peak_gb(),
    }


@contextmanager
def _as_it_was(lay_out: object) -> Iterator[None]:
    try:
        yield
    finally:
        setattr(unet, "lay_out", lay_out)  # noqa: B010


def _make(kind: Kind, setup: Setup, folder: FoldFolder) -> tuple[Callable[[int], object], Callable[[], None]]:
    """Return what makes a step, and what ends the threads behind it."""
    if not kind.augmentation:
        return make_bare_step(setup, folder, kind.layout, kind.call), lambda: None
    sampling = replace(setup.configuration.sampling, augmentations=(Choice(name=kind.augmentation),))
    stepper = Stepper(replace(setup, configuration=replace(setup.configuration, sampling=sampling)), folder)

    def step(iteration: int) -> object:
        stepper.fetch(Position(iteration=iteration))
        return stepper.run(Position(iteration=iteration), 1e-3)

    return step, stepper.close


def _time(step: Callable[[int], object], seconds: float, bench: Bench) -> list[float]:
    """Return the seconds of blocks of steps, at the end of each of which the device is waited for."""
    for iteration in range(UNTIMED):
        step(iteration)
    wait_for(bench.device)
    blocks: list[float] = []
    ends = time.perf_counter() + seconds
    while not blocks or (time.perf_counter() < ends and len(blocks) < MOST_BLOCKS):
        start = time.perf_counter()
        for number in range(BLOCK):
            step(UNTIMED + BLOCK * len(blocks) + number)
        wait_for(bench.device)
        blocks.append(time.perf_counter() - start)
    return blocks


def main() -> None:
    """Time the kinds that are named, one after the other."""
    seconds, size, kinds = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
    ends = time.monotonic() + seconds
    bench = Bench(work=Path(), data=None, ends=ends, tiny=size == "tiny")
    for name in kinds:
        try:
            found = {"what": name, **time_kind(KINDS[name], seconds / (2 * len(kinds)), bench), "": ""}
        except Exception as error:
            message = (str(error).strip().splitlines() or [""])[0]
            found = {"what": name, "": f"failed: {type(error).__name__}: {message[:200]}"}
        sys.stdout.write(f"{MARK}{json.dumps(found)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
