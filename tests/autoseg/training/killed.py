"""A training that writes down what it is made of after every step; a test starts it as a process of its own.

python -m tests.autoseg.training.killed FOLDER RECORDS ITERATION AUGMENTATION GROWTH

It kills itself after this iteration; 0 lets it end.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch

from autoseg.training.policy import Policy
from autoseg.training.position import Position
from autoseg.training.step import Stepper
from planners.choices import Choice
from tests.autoseg.sampling.builders import example
from tests.autoseg.training.builders import Ticking, WeightReader, make_trainer, setup

ITERATIONS = 24
# A checkpoint every few steps: each takes some readings of the clock.
POLICY = Policy(report_seconds=20.0, checkpoint_seconds=40.0, checkpoint_share=1e9)


def digest(tensors: Iterable[torch.Tensor]) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()


def digest_by_name(tensors: dict[str, torch.Tensor]) -> str:
    return digest(tensors[name] for name in sorted(tensors))


def main(folder: Path, records: Path, last: int, augmentation: str, growth: str) -> None:
    run = Stepper.run
    seen: list[torch.Tensor] = []

    def run_and_record(stepper: Stepper, position: Position, learning_rate: float) -> torch.Tensor:
        watching = stepper.state.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        loss = run(stepper, position, learning_rate)
        watching.remove()
        states = [state for _, state in sorted(stepper.state.optimizer.state_dict()["state"].items())]
        record = {
            "iteration": position.iteration,
            "loss": float(loss).hex(),
            "learning rate": learning_rate.hex(),
            "images": digest([seen.pop()]),
            "parameters": digest_by_name(stepper.state.network.state_dict()),
            "keeper": digest_by_name(dict(stepper.keeper.state())),
            "optimizer": digest(
                state[name] for state in states for name in sorted(state) if torch.is_tensor(state[name])
            ),
            "random numbers": digest([torch.get_rng_state()]),
        }
        with records.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
        if last and position.iteration == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return loss

    Stepper.run = run_and_record  # type: ignore[method-assign]
    made = setup(
        iterations=ITERATIONS,
        validation_rounds=12,
        schedule=Choice(name="plateau"),
        weights=Choice(name="best"),
        growth=Choice(name=growth),
        policy=POLICY,
        clock=Ticking(),
    )
    sampling = replace(made.configuration.sampling, augmentations=(example(augmentation),))
    made = replace(made, configuration=replace(made.configuration, sampling=sampling))
    make_trainer(folder, made, WeightReader()).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
