"""A training that writes down what it is made of after every step; a test starts it as a process of its own."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch

from autoseg.progress import SilentProgress
from autoseg.sampling import Batch
from autoseg.training import trainer as trainer_module
from autoseg.training.trainer import Trainer
from autoseg.workspace.fold import FoldFolder
from tests.autoseg.sampling.builders import example
from tests.autoseg.training.test_trainer import CountingValidator, setup

ITERATIONS = 60


def digest(tensors: Iterable[torch.Tensor]) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()


def main(folder: Path, records: Path, augmentation: str) -> None:
    trainer_module.CHECKPOINT_SECONDS, trainer_module.CHECKPOINT_SHARE = 0.05, 1e9
    plan = setup(iterations=ITERATIONS)
    sampling = replace(plan.configuration.sampling, augmentations=(example(augmentation),))
    plan = replace(plan, configuration=replace(plan.configuration, sampling=sampling))
    trainer = Trainer(plan, FoldFolder(root=folder), CountingValidator(), SilentProgress())
    stepper = trainer._stepper
    run, make_batch = stepper.run, stepper._batches.make
    batches: list[str] = []

    def make_and_remember(iteration: int) -> Batch:
        batch = make_batch(iteration)
        batches.append(digest([batch.images, batch.labels]))
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

    stepper._batches.make, stepper.run = make_and_remember, run_and_record
    trainer.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
