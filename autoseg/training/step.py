"""One optimiser step: from the parameters of a batch to moved weights."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

from autoseg import processes
from autoseg.losses import DeepSupervisionLoss, build_loss
from autoseg.networks import build_network
from autoseg.sampling import Batch, BatchMaker
from autoseg.training.averaging import WeightAverage
from autoseg.training.checkpoint import Parts
from autoseg.training.compilation import Call, Trial, try_compiled
from autoseg.training.optimizers import build_optimizer
from autoseg.training.setting import Setup
from autoseg.training.stopwatch import Stopwatch
from planners.choices import resolve
from planners.parts import SCHEDULES, WEIGHTS
from planners.parts.weights import AveragedOptions


def make_seed(*numbers: int) -> int:
    """Return a seed for torch that follows from the numbers: what a step draws does not depend on those before it."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class Stepper:
    """Everything that a training moves, and how it moves it by one step."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        configuration, training = setup.configuration, setup.configuration.training
        processes.refuse_more_than(configuration.batch_size)
        torch.manual_seed(make_seed(*setup.seed))
        network = build_network(configuration, setup.channels, setup.heads.count()).to(setup.device)
        network = processes.share_statistics(network)
        optimizer, self._lr = build_optimizer(training.optimizer, network.parameters())
        weights = resolve(training.weights, WEIGHTS, "weights")
        decay = weights.decay if isinstance(weights, AveragedOptions) else 0.0
        self.parts = Parts(network=network, average=WeightAverage(network, decay), optimizer=optimizer)
        # What is called to step: the network, or itself compiled.
        self._network: Call = network
        self._schedule = resolve(training.schedule, SCHEDULES, "schedule")
        self._loss = DeepSupervisionLoss(build_loss(training.loss, setup.heads))
        self._batches = BatchMaker(configuration, setup.cases, setup.seed, setup.device)
        self.stopwatch = Stopwatch(device=setup.device)

    def learning_rate(self, share_done: float) -> float:
        """Return the schedule's learning rate at a share of the training."""
        return self._lr * self._schedule.factor(share_done, ())

    def fetch(self, iteration: int) -> None:
        """Wait for what batch number `iteration` is made from."""
        self.stopwatch.start()
        self._batches.fetch(iteration)
        self.stopwatch.lap("reading")

    def close(self) -> None:
        """End the threads that fetch batches."""
        self._batches.close()

    def run(self, iteration: int, learning_rate: float) -> torch.Tensor:
        """Draw batch number `iteration`, move the weights, and return the loss, still on the device."""
        parts = self.parts
        torch.manual_seed(make_seed(*self._setup.seed, iteration, processes.number()))
        self.stopwatch.start()
        batch = self._batches.make(iteration)
        self.stopwatch.lap("data")
        for group in parts.optimizer.param_groups:
            group["lr"] = learning_rate
        loss = self._forward(self._network, batch)
        self.stopwatch.lap("forward")
        loss.backward()
        processes.add_gradients(parts.network.parameters())
        self.stopwatch.lap("backward")
        nn.utils.clip_grad_norm_(parts.network.parameters(), self._setup.configuration.training.gradient_clip)
        parts.optimizer.step()
        parts.optimizer.zero_grad(set_to_none=True)
        parts.average.update(parts.network, iteration)
        self.stopwatch.lap("update")
        return loss.detach()

    def try_compiling(self, iteration: int) -> Trial:
        """Compile the network, and keep it so if its steps are quicker; weights and averages stay as they are."""
        network = self.parts.network
        batch = self._batches.make(iteration)
        running = [buffer.clone() for buffer in network.buffers()]

        def time_step(called: Call) -> float:
            start = time.perf_counter()
            loss = self._forward(called, batch)
            loss.backward()
            self.parts.optimizer.zero_grad(set_to_none=True)
            loss.item()
            return time.perf_counter() - start

        self._network, trial = try_compiled(network, torch.compile, time_step)
        self.parts.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for buffer, before in zip(network.buffers(), running, strict=True):
                buffer.copy_(before)
        return trial

    def _forward(self, network: Call, batch: Batch) -> torch.Tensor:
        low_precision = self._setup.autocast != torch.float32
        with torch.autocast(self._setup.device.type, dtype=self._setup.autocast, enabled=low_precision):
            outputs = network(batch.images)
        loss: torch.Tensor = self._loss(outputs, batch.labels)
        return loss

    def is_finite(self) -> bool:
        """Tell whether all weights are numbers; waits for the device."""
        return all(bool(parameter.isfinite().all()) for parameter in self.parts.network.parameters())
