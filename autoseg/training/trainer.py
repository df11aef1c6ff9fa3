"""The training loop of one fold."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import nn

from autoseg.losses import LOSSES, DeepSupervisionLoss
from autoseg.networks import build_network
from autoseg.progress import Progress, Task
from autoseg.sampling import AUGMENTATIONS, PatchGeometry, ResidentCase, apply_batch, sample_batch
from autoseg.training import OPTIMIZERS, SCHEDULES
from autoseg.training.averaging import WeightAverage
from autoseg.training.budget import (
    REVISITS,
    UNMEASURED_STEPS,
    VALIDATION_SHARE,
    StepRate,
    correct_iterations,
)
from autoseg.training.checkpoint import Parts, Position, load_checkpoint, save_checkpoint, save_tensors
from autoseg.training.folder import FoldFolder
from dataset_fingerprints.dataset import Heads
from dataset_fingerprints.errors import AutosegError
from planners.choices import resolve
from planners.plan import Configuration

# Seconds between reports; each costs one synchronisation with the device.
REPORT_SECONDS = 5.0
# A checkpoint is written at the earliest after this many seconds, and so rarely that it takes 2 % of the time.
CHECKPOINT_SECONDS = 30.0
CHECKPOINT_SHARE = 0.02


class Validator(Protocol):
    """Predicts whole volumes during training; the pipeline supplies it."""

    def validate(self, network: nn.Module, cases: Sequence[str]) -> Mapping[str, float]:
        """Return the mean Dice per label or region over these cases' whole volumes."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """Everything one training needs.

    Attributes:
        heads: what the network's output channels stand for.
        validation_cases: that validation during training takes turns over; may be empty.
        seed: the plan's seed and the fold's number; with the iteration they give every batch.
        max_minutes: time to train for, or None for the plan's number of iterations.
        autocast: the number type of the network's convolutions.
    """

    configuration: Configuration
    channels: int
    heads: Heads
    cases: Sequence[ResidentCase]
    validation_cases: Sequence[str]
    seed: tuple[int, int]
    max_minutes: float | None
    device: torch.device
    autocast: torch.dtype


class Trainer:
    """Trains one fold, from the start or from its checkpoint, to the end."""

    def __init__(self, setup: Setup, folder: FoldFolder, validator: Validator, progress: Progress) -> None:
        self._setup, self._folder, self._validator, self._progress = setup, folder, validator, progress
        configuration = setup.configuration
        training = configuration.training
        torch.manual_seed(int(np.random.SeedSequence(setup.seed).generate_state(1)[0]))
        network = build_network(
            configuration, setup.channels, setup.heads.count(), deep_supervision=training.deep_supervision
        )
        network = network.to(setup.device)
        options = resolve(training.optimizer, OPTIMIZERS, "optimizer")
        self._lr = options.lr
        self._parts = Parts(
            network=network,
            average=WeightAverage(network, training.ema_decay),
            optimizer=options.build(network.parameters()),
        )
        self._schedule = resolve(training.schedule, SCHEDULES, "schedule")
        self._augmentation = resolve(configuration.sampling.augmentation, AUGMENTATIONS, "augmentation")
        loss = resolve(training.loss, LOSSES, "loss").build(setup.heads)
        scales = len(configuration.topology.features) - 1 if training.deep_supervision else 1
        self._loss = DeepSupervisionLoss(loss, scales)
        self._geometry = PatchGeometry(
            patch_shape=configuration.patch_shape,
            slice_axis=configuration.slice_axis,
            batch_size=configuration.batch_size,
            foreground_share=configuration.sampling.foreground_share,
            jitter_share=configuration.sampling.jitter_share,
            lesion_balance=configuration.sampling.lesion_balance,
        )
        self._position = Position(iterations=0 if setup.max_minutes else training.iterations)
        self._rate = StepRate()
        self._revisits = 0
        self._losses: list[torch.Tensor] = []
        self._validation_dice = ""
        self._last_validation_seconds = 0.0

    def run(self) -> Position:
        """Train until the last iteration and write the final weights.

        Raises:
            AutosegError: the loss is no number any more.
        """
        self._resume()
        self._interval_start = time.perf_counter()
        saved, save_interval = self._interval_start, CHECKPOINT_SECONDS
        with self._progress.task("Training", self._position.iterations, self._position.iteration) as task:
            while not self._done():
                self._step()
                task.advance()
                validate = self._validation_due()
                save = time.perf_counter() - saved > save_interval
                if not (validate or save or self._report_due()):
                    continue
                self._report(task)
                if validate:
                    self._validate(task)
                if save:
                    save_interval = max(CHECKPOINT_SECONDS, self._save() / CHECKPOINT_SHARE)
                    saved = time.perf_counter()
                self._begin_interval()
        self._finish()
        return self._position

    def _done(self) -> bool:
        return 0 < self._position.iterations <= self._position.iteration

    def _resume(self) -> None:
        if self._folder.checkpoint.is_file():
            self._position = load_checkpoint(self._folder.checkpoint, self._parts)
            self._progress.say(f"Going on from iteration {self._position.iteration}.")
        self._revisits = self._revisits_passed()
        self._folder.curve.rewind(self._position.iteration)

    def _step(self) -> None:
        setup, iteration = self._setup, self._position.iteration
        parameters = sample_batch(
            np.random.default_rng([*setup.seed, iteration]), setup.cases, self._geometry, self._augmentation
        )
        images, labels = apply_batch(parameters, setup.cases, self._geometry, setup.device)
        for group in self._parts.optimizer.param_groups:
            group["lr"] = self._lr * self._schedule.factor(self._share_done())
        low_precision = setup.autocast != torch.float32
        with torch.autocast(setup.device.type, dtype=setup.autocast, enabled=low_precision):
            outputs = self._parts.network(images)
        loss = self._loss(outputs, labels)
        loss.backward()
        nn.utils.clip_grad_norm_(self._parts.network.parameters(), setup.configuration.training.gradient_clip)
        self._parts.optimizer.step()
        self._parts.optimizer.zero_grad(set_to_none=True)
        self._parts.average.update(self._parts.network, iteration)
        self._losses.append(loss.detach())
        self._position = replace(self._position, iteration=iteration + 1)

    def _share_done(self) -> float:
        """Return the share of the training that is done; 0 while a time budget is still being measured."""
        return self._position.iteration / self._position.iterations if self._position.iterations else 0.0

    def _report_due(self) -> bool:
        first = not self._position.iterations and self._position.iteration == UNMEASURED_STEPS
        return first or self._done() or time.perf_counter() - self._interval_start > REPORT_SECONDS

    def _report(self, task: Task) -> None:
        """Read the losses back, which also brings the device in step, and look at the time."""
        loss = float(torch.stack(self._losses).mean())
        now = time.perf_counter()
        seconds = now - self._interval_start
        steps = len(self._losses)
        self._losses.clear()
        self._position = replace(self._position, seconds=self._position.seconds + seconds)
        if loss != loss:
            raise AutosegError(
                f"{self._folder.root}: the loss is not a number any more at iteration {self._position.iteration}. "
                "Train with a smaller rate, for example --set training.optimizer.options.lr=0.0003."
            )
        if self._position.iteration > UNMEASURED_STEPS:
            self._rate.add(steps, seconds)
            self._fit_budget(task)
        lr = float(self._parts.optimizer.param_groups[0]["lr"])
        self._folder.curve.append(
            {
                "iteration": self._position.iteration,
                "kind": "train",
                "iterations": self._position.iterations or None,
                "loss": round(loss, 5),
                "learning_rate": lr,
                "seconds_per_iteration": round(seconds / steps, 4),
                "seconds": round(self._position.seconds, 1),
            }
        )
        task.state({"loss": f"{loss:.3f}", "validation Dice": self._validation_dice or "-"})
        self._interval_start = now

    def _begin_interval(self) -> None:
        """Count what was spent since the report, and start to time steps again."""
        now = time.perf_counter()
        self._position = replace(self._position, seconds=self._position.seconds + now - self._interval_start)
        self._interval_start = now

    def _fit_budget(self, task: Task) -> None:
        position, minutes = self._position, self._setup.max_minutes
        if minutes is None or not self._rate.ready():
            return
        possible = self._rate.steps_within(max(minutes * 60 - position.seconds, 1.0))
        if not position.iterations:
            iterations = position.iteration + possible
        elif self._revisits < self._revisits_passed():
            self._revisits += 1
            iterations = correct_iterations(position.iteration, position.iterations, possible)
        else:
            return
        self._position = replace(position, iterations=iterations)
        self._rate.reset()
        task.resize(iterations)

    def _revisits_passed(self) -> int:
        return sum(self._share_done() >= share for share in REVISITS)

    def _validation_interval(self) -> int:
        rounds = self._setup.configuration.training.validation_rounds
        return max(1, self._position.iterations // max(rounds, 1))

    def _validation_due(self) -> bool:
        """Tell whether a validation round falls on this iteration; the last one is left to the whole fold's."""
        position = self._position
        if not position.iterations or self._done() or not self._setup.validation_cases:
            return False
        if position.iteration % self._validation_interval():
            return False
        minutes = self._setup.max_minutes
        spent = position.validation_seconds + self._last_validation_seconds
        return minutes is None or spent <= VALIDATION_SHARE * minutes * 60

    def _validate(self, task: Task) -> None:
        """Predict whole volumes of some validation cases; the rounds take turns over all of them."""
        start = time.perf_counter()
        cases, count = self._setup.validation_cases, self._setup.configuration.training.validation_cases
        first = (self._position.iteration // self._validation_interval() - 1) * count
        chosen = sorted({cases[(first + offset) % len(cases)] for offset in range(count)})
        dice = self._validator.validate(self._parts.average.network, chosen)
        mean = float(np.mean(list(dice.values())))
        self._last_validation_seconds = time.perf_counter() - start
        total = self._position.validation_seconds + self._last_validation_seconds
        self._position = replace(self._position, validation_seconds=total)
        self._validation_dice = f"{mean:.3f} ({', '.join(f'{name} {value:.3f}' for name, value in dice.items())})"
        figures = {f"dice/{name}": round(value, 4) for name, value in dice.items()}
        line = {"iteration": self._position.iteration, "kind": "validation", "dice": round(mean, 4), **figures}
        self._folder.curve.append({**line, "cases": chosen})
        task.state({"validation Dice": self._validation_dice})

    def _save(self) -> float:
        """Write a checkpoint and return how many seconds that took."""
        start = time.perf_counter()
        save_checkpoint(self._folder.checkpoint, self._parts, self._position)
        return time.perf_counter() - start

    def _finish(self) -> None:
        weights = self._parts.average.network.state_dict()
        save_tensors(self._folder.weights, weights, {"iteration": str(self._position.iteration)})
