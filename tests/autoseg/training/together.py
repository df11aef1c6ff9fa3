"""Program for two processes together; torchrun starts it, and the tests do the same alone.

torchrun --standalone --nproc_per_node 2 -m tests.autoseg.training.together FOLDER
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from autoseg import processes
from autoseg.losses import build_objective
from autoseg.models.tensors import save_tensors
from autoseg.training.position import Position
from autoseg.training.setting import Setup
from autoseg.training.step import Stepper
from autoseg.training.watch import Outcomes
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import StoppedError
from planners.choices import Choice
from planners.parts import LOSSES
from tests.autoseg.training.builders import (
    MEASURING,
    REPORTING,
    Alarm,
    CountingValidator,
    Ticking,
    make_trainer,
    setup,
)
from tests.synthetic.batches import measure
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
                objective = build_objective(Choice(name=name, options=variant), scheme.heads())
                loss, gradient = measure_loss(objective, scheme)
                found |= {f"{name} {kind} {bool(variant)}": torch.cat([loss.reshape(1), gradient.flatten()])}
    return found


def measure_loss(objective: torch.nn.Module, scheme: LabelScheme) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    heads = scheme.heads()
    logits = torch.randn(BATCH, heads.count(), 4, 5, 6, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.randint(scheme.index_count(), (BATCH, 4, 5, 6), generator=generator)
    mine = processes.part_of(range(BATCH))
    value = measure(objective, logits[mine], labels[mine])
    value.backward()
    parameter = torch.nn.Parameter(logits.detach())
    parameter.grad = logits.grad
    processes.add_gradients([parameter])
    return value.detach(), parameter.grad


def make_setup(**changes: object) -> Setup:
    """Return a training of plain gradient descent: adaptive steps would blow rounding errors up."""
    batch_dice = changes.pop("batch_dice", False)
    loss = Choice(name="dice_ce", options={"batch_dice": batch_dice})
    optimizer = Choice(name="sgd", options={"lr": 0.05})
    values = {"iterations": ITERATIONS, "loss": loss, "optimizer": optimizer, "policy": REPORTING}
    made = setup(**values | changes)
    return replace(made, configuration=replace(made.configuration, batch_size=BATCH))


def train(folder: Path, validator: CountingValidator | None = None, **changes: object) -> FoldFolder:
    make_trainer(folder, make_setup(**changes), validator).run()
    return FoldFolder(root=folder)


def signal_at(reading: int, process: int) -> Ticking:
    """Return a clock that sends its own process a signal at a reading, if that is the named one."""
    return Alarm(reading, lambda: os.kill(os.getpid(), signal.SIGTERM) if processes.number() == process else None)


def stop_second(folder: Path) -> None:
    """Train until a signal reaches the second process only; both must stop, at one iteration."""
    try:
        train(folder, iterations=LONG, clock=signal_at(100, process=1))
    except StoppedError as error:
        found = torch.tensor([error.exit_code, int(str(error).partition("at step ")[2].partition(",")[0])])
        both = [torch.empty_like(found) for _ in range(2)]
        dist.all_gather(both, found)
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


@contextmanager
def stepping(make_step: Callable[..., Tensor]) -> Iterator[None]:
    """Have steps made by a function of the plain step, the position and the learning rate."""
    plain = Stepper.run

    def run(stepper: Stepper, position: Position, learning_rate: float) -> Tensor:
        return make_step(lambda: plain(stepper, position, learning_rate), position, learning_rate)

    Stepper.run = run  # type: ignore[method-assign]
    try:
        yield
    finally:
        Stepper.run = plain  # type: ignore[method-assign]


def lose_the_loss(folder: Path) -> None:
    """Train with a loss that is not a number, once and in the second process only."""
    broken: list[bool] = []

    def step(plain: Callable[[], Tensor], position: Position, learning_rate: float) -> Tensor:
        loss = plain()
        if position.iteration == 5 and not broken:
            broken.append(True)
            return processes.add(loss * float("nan") if processes.number() == 1 else loss)
        return loss

    with stepping(step):
        train(folder)


def follow_a_plateau(folder: Path) -> None:
    """Train by what validation says, stopped once on the way, and write down every rate of this process."""
    rates: list[str] = []

    def step(plain: Callable[[], Tensor], position: Position, learning_rate: float) -> Tensor:
        rates.append(f"{position.iteration} {learning_rate.hex()}")
        return plain()

    plateau = Choice(name="plateau", options={"patience": 2})
    changes = {"iterations": 20, "validation_rounds": 10, "schedule": plateau}
    with stepping(step):
        with suppress(StoppedError):
            train(folder, **changes, clock=signal_at(150, process=0))
        stopped = len(rates)
        train(folder, **changes)
    rates.insert(stopped, "stopped")
    (folder / f"rates_{processes.number()}").write_text("\n".join(rates), encoding="utf-8")


def main(folder: Path) -> None:
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
        follow_a_plateau(folder / "plateau")
        train(folder / "snapshots", weights=Choice(name="snapshots", options={"count": 2}))
        train(folder / "budget", max_minutes=5.0, clock=Ticking(), policy=MEASURING)
        number = processes.number()
    threads = [(task / "comm").read_text(encoding="utf-8").strip() for task in Path("/proc/self/task").iterdir()]
    (folder / f"threads_{number}").write_text("\n".join(threads), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
