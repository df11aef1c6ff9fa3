"""One optimiser step: from the parameters of a batch to moved weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from autoseg import processes
from autoseg.losses import build_objective
from autoseg.networks import build_network
from autoseg.networks.padding import cut_back, pad_behind
from autoseg.sampling import Batch, BatchMaker
from autoseg.training.checkpoint import State
from autoseg.training.compilation import Call, Trial, try_compiled
from autoseg.training.initial import load_matching
from autoseg.training.optimizers import build_optimizer
from autoseg.training.pace import MEASURED_STEPS, UNMEASURED_STEPS, Pace, share_costs
from autoseg.training.position import Position
from autoseg.training.setting import Setup
from autoseg.training.stopwatch import Stopwatch
from autoseg.training.weights import build_keeper, is_finite
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.geometry import Triple
from planners.choices import resolve
from planners.parts import NETWORKS, SCHEDULES
from planners.sizing.growth import list_sizes
from planners.time_budget import count_at_size


def make_seed(*numbers: int) -> int:
    """Return a seed for torch that follows from the numbers: what a step draws does not depend on those before it."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class Stepper:
    """Network, optimiser and kept weights of a training, which one step changes.

    Args:
        setup: of the training.
        folder: that files of weights are written into.
    """

    def __init__(self, setup: Setup, folder: FoldFolder) -> None:
        self._setup = setup
        configuration, training = setup.configuration, setup.configuration.training
        processes.refuse_more_than(configuration.batch_size)
        torch.manual_seed(make_seed(*setup.seed))
        network = build_network(configuration, setup.channels, setup.heads.count()).to(setup.device)
        network = processes.share_statistics(network)
        initial = setup.initial
        # How far the initial weights fitted, or None without any.
        self.match = load_matching(network, initial.tensors, initial.layers, initial.fit) if initial else None
        optimizer, self._lr = build_optimizer(training.optimizer, network.parameters())
        self.keeper = build_keeper(training.weights, network, folder)
        self.state = State(network=network, optimizer=optimizer, keeper=self.keeper)
        # What is called to step: the network, or itself compiled.
        self._network: Call = network
        self._divisors = resolve(configuration.network, NETWORKS, "network").divisors()
        self._schedule = resolve(training.schedule, SCHEDULES, "schedule")
        self.objective = build_objective(training.loss, setup.heads).to(setup.device)
        self._batches = BatchMaker(configuration, setup.cases, setup.seed, setup.device, processes.part_of)
        # What its batches grow through, the planned size last.
        self.sizes = list_sizes(configuration)
        # Of a batch of the planned size, those that this process makes.
        self.patches = max(1, len(processes.part_of(range(configuration.batch_size))))
        self.stopwatch = Stopwatch(device=setup.device, clock=setup.clock)

    def learning_rate(self, share_done: float, validations: Sequence[float]) -> float:
        """Return the schedule's learning rate.

        Args:
            share_done: of the training.
            validations: mean Dice after each round of validation, as schedules look at it.
        """
        return self._lr * self._schedule.factor(share_done, validations)

    def size(self, position: Position) -> int:
        """Return the place of the size that a position's batch has among `sizes`."""
        return position.size(len(self.sizes))

    def is_grown(self, position: Position) -> bool:
        """Return whether a position's batch has the planned size."""
        return self.size(position) == len(self.sizes) - 1

    def patch(self, position: Position) -> Triple:
        """Return the shape of a position's patches."""
        return self.sizes[self.size(position)].patch_shape

    def fetch(self, position: Position) -> None:
        """Wait for what the batch of a position is made from."""
        self.stopwatch.start()
        self._batches.fetch(position.iteration, self.size(position))
        self.stopwatch.lap("reading")

    def close(self) -> None:
        """End the threads that fetch batches."""
        self._batches.close()

    def run(self, position: Position, learning_rate: float) -> torch.Tensor:
        """Make the batch of a position, move the weights, and return the loss, still on the device."""
        network, optimizer, iteration = self.state.network, self.state.optimizer, position.iteration
        torch.manual_seed(make_seed(*self._setup.seed, iteration, processes.number()))
        self.stopwatch.start()
        batch = self._batches.make(iteration, self.size(position))
        self.stopwatch.lap("data")
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        loss = self._forward(self._network, batch)
        self.stopwatch.lap("forward")
        loss.backward()
        processes.add_gradients(network.parameters())
        self.stopwatch.lap("backward")
        nn.utils.clip_grad_norm_(network.parameters(), self._setup.configuration.training.gradient_clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        self.keeper.update(position.stepped())
        self.stopwatch.lap("update")
        return loss.detach()

    def measure_pace(self, iteration: int, least_seconds: float = 0.0) -> Pace:
        """Return how long steps take here, from a few of which none moves the weights.

        Args:
            iteration: whose batch they use.
            least_seconds: that steps of one size are measured for. A processor is slower under a load that lasts than
                in its first seconds. Where several processes train together, 0: they take as many steps as each other.
        """
        step_seconds, forward_seconds = self._time_steps(iteration, -1, least_seconds)
        smallest = self._time_steps(iteration, 0, least_seconds)[0] if len(self.sizes) > 1 else step_seconds
        setup = self._setup
        works = [count_at_size(size, setup.channels, setup.heads.count()) for size in self.sizes]
        costs = share_costs(smallest, step_seconds, works)
        return Pace(step_seconds=step_seconds, tile_seconds=forward_seconds / self.patches, costs=costs)

    def _time_steps(self, iteration: int, size: int, least_seconds: float) -> tuple[float, float]:
        """Return the seconds of a step with a batch of a size, and of its forward pass; no weight is moved."""
        network, optimizer, clock = self.state.network, self.state.optimizer, self._setup.clock
        running = [buffer.clone() for buffer in network.buffers()]
        begun, ended, forward, measured = 0.0, 0.0, 0.0, -UNMEASURED_STEPS
        try:
            while measured < MEASURED_STEPS or ended - begun < least_seconds:
                if measured == 0:
                    begun = clock()
                self._batches.fetch(iteration, size)
                batch = self._batches.make(iteration, size)
                made = clock()
                loss = self._forward(self._network, batch)
                loss.item()
                if measured >= 0:
                    forward += clock() - made
                loss.backward()
                processes.add_gradients(network.parameters())
                optimizer.zero_grad(set_to_none=True)
                loss.item()
                ended = clock()
                measured += 1
        finally:  # a signal may end it anywhere, and the network is then saved
            _put_back(network, running)
        return (ended - begun) / measured, forward / measured

    def try_compiling(self, iteration: int) -> Trial:
        """Compile the network, and keep it so if its steps are quicker; all weights stay as they are."""
        network, optimizer, clock = self.state.network, self.state.optimizer, self._setup.clock
        batch = self._batches.make(iteration)
        running = [buffer.clone() for buffer in network.buffers()]

        def time_step(called: Call) -> float:
            start = clock()
            loss = self._forward(called, batch)
            loss.backward()
            optimizer.zero_grad(set_to_none=True)
            loss.item()
            return clock() - start

        self._network, trial = try_compiled(network, torch.compile, time_step)
        optimizer.zero_grad(set_to_none=True)
        _put_back(network, running)
        return trial

    def _forward(self, network: Call, batch: Batch) -> torch.Tensor:
        low_precision = self._setup.autocast != torch.float32
        with torch.autocast(self._setup.device.type, dtype=self._setup.autocast, enabled=low_precision):
            seen = replace(batch, images=pad_behind(batch.images, self._divisors))
            finest, *coarser = network(seen.images)
        outputs = (cut_back(finest, batch.images.shape[2:]), *coarser)
        loss: torch.Tensor = self.objective(outputs, seen)
        return loss

    def is_finite(self) -> bool:
        """Return whether all weights are numbers; waits for the device."""
        return is_finite(self.state.network)


@torch.no_grad()
def _put_back(network: nn.Module, running: Sequence[torch.Tensor]) -> None:
    """Give running statistics the values that they had before passes that were only timed."""
    for buffer, before in zip(network.buffers(), running, strict=True):
        buffer.copy_(before)
