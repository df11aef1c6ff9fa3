"""A process that times training steps on request: `python -m experiments.costs.step_worker WORKSPACE KIND`.

KIND is `trainer-AUGMENTATION` for steps as a long training makes them, or `bare-TYPE-LAYOUT-CALL` for a network's step
on a batch that is made once: TYPE float32 or bfloat16, LAYOUT first or last (channels), CALL eager or compiled.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autoseg.hardware import share_cores_with_others

share_cores_with_others()

import torch  # noqa: E402
from torch import nn  # noqa: E402

from autoseg.hardware import autocast_type, choose_device  # noqa: E402
from autoseg.networks import unet  # noqa: E402
from autoseg.networks.instance_norm import channels_last  # noqa: E402
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job  # noqa: E402
from autoseg.pipeline.folds.residency import load_cases  # noqa: E402
from autoseg.progress import SilentProgress  # noqa: E402
from autoseg.sampling import Batch  # noqa: E402
from autoseg.training.position import Position  # noqa: E402
from autoseg.training.setting import Setup  # noqa: E402
from autoseg.training.step import Stepper  # noqa: E402
from autoseg.workspace.fold import FoldFolder  # noqa: E402
from autoseg.workspace.workspace import Workspace  # noqa: E402
from planners.choices import Choice  # noqa: E402


def make_setup(workspace: Path, number_type: torch.dtype | None) -> tuple[Setup, FoldFolder]:
    """Return fold 0 as `train 0` sets it up, in another number type where one is named, and its folder."""
    job, device = resolve_job(Workspace(root=workspace), "0", TrainingOptions()), choose_device()
    setup = Setup(
        configuration=job.configuration,
        channels=job.plan.input_channels(job.configuration),
        heads=job.plan.scheme_of(job.configuration).heads(),
        cases=load_cases(job, device, SilentProgress())[0],
        validation_cases=(),
        seed=(0, 0),
        max_minutes=None,
        device=device,
        autocast=autocast_type(device) if number_type is None else number_type,
    )
    return setup, job.folder


def trainer_step(workspace: Path, augmentation: str) -> tuple[Callable[[int], object], str]:
    """Return what makes step number i as the training loop does, and what came of compiling."""
    setup, folder = make_setup(workspace, None)
    sampling = replace(setup.configuration.sampling, augmentations=(Choice(name=augmentation),))
    stepper = Stepper(replace(setup, configuration=replace(setup.configuration, sampling=sampling)), folder)
    trial = stepper.try_compiling(0)
    return lambda iteration: stepper.run(Position(iteration=iteration), 1e-3).item(), trial.describe()


def bare_step(workspace: Path, number_type: str, layout: str, call: str) -> tuple[Callable[[int], object], str]:
    """Return a step of forward pass, loss, backward pass and optimiser, always on the same batch."""
    setup, folder = make_setup(workspace, getattr(torch, number_type))
    return make_bare_step(setup, folder, layout, call), ""


def make_bare_step(setup: Setup, folder: FoldFolder, layout: str, call: str) -> Callable[[int], object]:
    """Return the same for a training; a layout other than first and last is what suits the device."""
    if layout in ("first", "last"):
        setattr(unet, "lay_out", channels_last if layout == "last" else lambda x: x)  # noqa: B010
    stepper = Stepper(setup, folder)
    network, optimizer = stepper.state.network, stepper.state.optimizer
    shape = (setup.configuration.batch_size, *setup.configuration.patch_shape)
    images = torch.randn(shape[0], setup.channels, *shape[1:], device=setup.device)
    labels = torch.randint(0, 2, shape, device=setup.device).to(torch.uint8)
    batch = Batch(images=images, labels=labels)
    called: nn.Module = torch.compile(network) if call == "compiled" else network  # type: ignore[assignment]

    def step(_: int) -> object:
        enabled = setup.autocast != torch.float32
        with torch.autocast(setup.device.type, dtype=setup.autocast, enabled=enabled):
            outputs = called(images)
        value = stepper.objective(outputs, batch)
        value.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return value.item()

    return step


def main() -> None:
    """Answer every number N on the input with the seconds of N steps."""
    workspace, kind = Path(sys.argv[1]), sys.argv[2]
    who, *how = kind.split("-")
    step, said = trainer_step(workspace, *how) if who == "trainer" else bare_step(workspace, *how)
    print(json.dumps({"said": said}), flush=True)
    iteration = 0
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step(iteration)
            seconds.append(time.perf_counter() - start)
            iteration += 1
        print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
