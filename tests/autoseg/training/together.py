"""What two processes do together; torchrun starts it, and the tests do the same alone.

torchrun --standalone --nproc_per_node 2 -m tests.autoseg.training.together FOLDER
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from autoseg import processes
from autoseg.losses import LOSSES
from autoseg.progress import SilentProgress
from autoseg.training import trainer as trainer_module
from autoseg.training.checkpoint import save_tensors
from autoseg.training.trainer import Trainer
from autoseg.training.watch import Outcomes
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import StoppedError
from planners.choices import Choice
from tests.autoseg.training.test_trainer import CountingValidator, setup
from tests.synthetic.heads import plain_scheme, region_scheme

SCHEMES = {"plain": plain_scheme(), "ignore": plain_scheme(2, 9), "regions": region_scheme(9)}
# Two processes get two samples and one.
BATCH = 3
ITERATIONS = 8
LONG = 100_000


def measure_losses() -> dict[str, Tensor]:
    """Return every loss of one batch, and its gradient, in double precision."""
    found = {}
    for name, options in LOSSES.items():
        variants = ({}, {"batch_dice": True}) if hasattr(options(), "batch_dice") else ({},)
        for kind, scheme in SCHEMES.items():
            for variant in variants:
                loss, gradient = measure_loss(options(**variant).build(scheme.heads()), scheme)
                found |= {f"{name} {kind} {bool(variant)}": torch.cat([loss.reshape(1), gradient.flatten()])}
    return found


def measure_loss(loss: Callable[..., Tensor], scheme) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    heads = scheme.heads()
    logits = torch.randn(BATCH, heads.count(), 4, 5, 6, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.randint(scheme.index_count(), (BATCH, 4, 5, 6), generator=generator)
    mine = processes.part_of(range(BATCH))
    value = loss(logits[mine], labels[mine])
    value.backward()
    parameter = torch.nn.Parameter(logits.detach())
    parameter.grad = logits.grad
    processes.add_gradients([parameter])
    return value.detach(), parameter.grad


def make_setup(**changes: object):
    """Return a training of plain gradient descent: adaptive steps would blow rounding errors up."""
    batch_dice = changes.pop("batch_dice", False)
    loss = Choice(name="dice_ce", options={"batch_dice": batch_dice})
    optimizer = Choice(name="sgd", options={"lr": 0.05})
    made = setup(**{"iterations": ITERATIONS, "loss": loss, "optimizer": optimizer} | changes)
    return replace(made, configuration=replace(made.configuration, batch_size=BATCH))


def train(folder: Path, validator: CountingValidator | None = None, **changes: object) -> FoldFolder:
    folder.mkdir(parents=True, exist_ok=True)
    files = FoldFolder(root=folder)
    Trainer(make_setup(**changes), files, validator or CountingValidator(), SilentProgress()).run()
    return files


def stop_second(folder: Path) -> None:
    """Train until a signal reaches the second process only; both must stop, at one iteration."""
    if processes.number() == 1:
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
    try:
        train(folder, iterations=LONG)
    except StoppedError as error:
        told = torch.tensor([error.exit_code, int(str(error).partition("iteration ")[2].partition(",")[0])])
        both = [torch.empty_like(told) for _ in range(2)]
        dist.all_gather(both, told)
        if processes.leads():
            save_tensors(folder / "stopped.safetensors", {"both": torch.stack(both)}, {})


class Signalling(CountingValidator):
    """Is stopped by a signal to its own process, the leader, while the others wait for what it predicts."""

    def validate(self, network: torch.nn.Module, cases: tuple[str, ...]) -> Outcomes:
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the signal did not end this")


def stop_validating(folder: Path) -> None:
    try:
        train(folder, Signalling())
    except StoppedError as error:
        (folder / f"stopped_{processes.number()}").write_text(str(error.exit_code), encoding="utf-8")


def lose_the_loss(folder: Path) -> None:
    """Train with a loss that is no number, once and in the second process only."""
    folder.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(make_setup(), FoldFolder(root=folder), CountingValidator(), SilentProgress())
    original, broken = trainer._stepper.run, []

    def step(iteration: int, learning_rate: float) -> Tensor:
        loss = original(iteration, learning_rate)
        if iteration == 5 and not broken:
            broken.append(True)
            return processes.add(loss * float("nan") if processes.number() == 1 else loss)
        return loss

    trainer._stepper.run = step  # type: ignore[method-assign]
    trainer.run()


def main(folder: Path) -> None:
    trainer_module.REPORT_SECONDS = 0.05
    with processes.together():
        losses = measure_losses()
        if processes.leads():
            save_tensors(folder / "losses.safetensors", losses, {})
        for batch_dice in (False, True):
            train(folder / f"batch_dice_{batch_dice}", batch_dice=batch_dice)
        stop_second(folder / "signal")
        if processes.leads():
            FoldFolder(root=folder / "signal").stop.touch()
        train(folder / "signal", iterations=LONG)
        stop_validating(folder / "validating")
        lose_the_loss(folder / "rollback")
        train(folder / "budget", max_minutes=0.05)
        number = processes.number()
    threads = [(task / "comm").read_text(encoding="utf-8").strip() for task in Path("/proc/self/task").iterdir()]
    (folder / f"threads_{number}").write_text("\n".join(threads), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
