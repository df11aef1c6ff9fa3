"""nnU-Net's own trainer, driven step by step. Runs in nnU-Net's environment, where there is no autoseg.

    python nnunet_trainer.py DATASET FOLD steps            times as many steps as each line of its input asks for
    python nnunet_trainer.py DATASET FOLD train MINUTES    trains that long, annealed to it, and validates the fold

Losses, optimiser, augmentation and loaders are nnU-Net's; of its loop, which counts epochs, the steps are left.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch
from nnunetv2.run.run_training import get_trainer_from_args

MEASURED_STEPS = 5
# At these shares of the time the number of steps is looked at again.
REVISITS = (0.25, 0.5, 0.75)


def time_steps(trainer: Any) -> None:
    """Answer every number N on the input with the seconds of N steps, waiting for their batches included."""
    trainer.initialize()
    trainer.dataloader_train, trainer.dataloader_val = trainer.get_dataloaders()
    trainer.set_deep_supervision_enabled(trainer.enable_deep_supervision)
    trainer.network.train()
    print(
        json.dumps({"patch": list(trainer.configuration_manager.patch_size), "batch": trainer.batch_size}), flush=True
    )
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            trainer.train_step(next(trainer.dataloader_train))
            seconds.append(time.perf_counter() - start)
        print(json.dumps(seconds), flush=True)


def train(trainer: Any, minutes: float) -> None:
    """Train for some minutes, the rate falling to 0 by nnU-Net's power law, and validate as nnU-Net does."""
    trainer.on_train_start()
    trainer.network.train()
    start, iteration, total, looked = time.perf_counter(), 0, 0, 0
    budget = minutes * 60
    while not total or iteration < total:
        share = iteration / total if total else 0.0
        for group in trainer.optimizer.param_groups:
            group["lr"] = trainer.initial_lr * (1 - share) ** 0.9
        trainer.train_step(next(trainer.dataloader_train))
        iteration += 1
        spent = time.perf_counter() - start
        if (not total and iteration == MEASURED_STEPS) or (
            total and looked < len(REVISITS) and iteration >= REVISITS[looked] * total
        ):
            looked += total > 0
            total = iteration + max(1, int((budget - spent) * iteration / spent))
    print(f"{iteration} steps in {(time.perf_counter() - start) / 60:.1f} minutes", flush=True)
    trainer.save_checkpoint(str(Path(trainer.output_folder) / "checkpoint_final.pth"))
    trainer.perform_actual_validation(False)


def main() -> None:
    """Do what the arguments say, on the cores that this process may use."""
    dataset, fold, kind, *rest = sys.argv[1:]
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.set_num_interop_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trainer = get_trainer_from_args(dataset, "3d_fullres", int(fold), device=device)
    if kind == "steps":
        time_steps(trainer)
    else:
        train(trainer, float(rest[0]))
    # Its loaders' processes do not end by themselves.
    for process in multiprocessing.active_children():
        process.kill()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
