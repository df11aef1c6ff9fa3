"""A training that writes down what it is made of after every step; a test starts it as a process of its own."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import torch

from autoseg.progress import SilentProgress
from autoseg.training import trainer as trainer_module
from autoseg.training.trainer import Trainer
from autoseg.workspace.fold import FoldFolder
from tests.autoseg.training.test_trainer import CountingValidator, setup

ITERATIONS = 60


def digest(tensors: Iterable[torch.Tensor]) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()


def main(folder: Path, records: Path) -> None:
    trainer_module.CHECKPOINT_SECONDS, trainer_module.CHECKPOINT_SHARE = 0.05, 1e9
    trainer = Trainer(setup(iterations=ITERATIONS), FoldFolder(root=folder), CountingValidator(), SilentProgress())
    stepper = trainer._stepper
    run, make_batch = stepper.run, stepper._make_batch
    batches: list[str] = []

    def make_and_remember(iteration: int) -> tuple[torch.Tensor, torch.Tensor]:
        batch = make_batch(iteration)
        batches.append(digest(batch))
        return batch

    def run_and_record(iteration: int, learning_rate: float) -> torch.Tensor:
        loss = run(iteration, learning_rate)
        states = [state for _, state in sorted(stepper.parts.optimizer.state_dict()["state"].items())]
        record = {
            "iteration": iteration,
            "loss": float(loss).hex(),
            "learning rate": learning_rate.hex(),
            "batch": batches[-1],
            "parameters": digest(stepper.parts.network.state_dict().values()),
            "average": digest(stepper.parts.average.network.state_dict().values()),
            "optimizer": digest(
                state[name] for state in states for name in sorted(state) if torch.is_tensor(state[name])
            ),
            "random numbers": digest([torch.get_rng_state()]),
        }
        with records.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
        return loss

    stepper._make_batch, stepper.run = make_and_remember, run_and_record
    trainer.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
