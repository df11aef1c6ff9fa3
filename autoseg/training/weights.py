"""Weights of a training that are kept: builders of the entries of `planners.parts.WEIGHTS`.

An entry gives a *keeper*. It follows the network from step to step, lends validation the network to look at, and writes
what is predicted with.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from autoseg import processes
from autoseg.models.tensors import save_tensors
from autoseg.training.checkpoint import Restorable
from autoseg.training.position import Position
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.names import counted
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import WEIGHTS
from planners.parts.weights import AveragedOptions, BestOptions, LastOptions, SnapshotsOptions


class Keeper(Restorable, Protocol):
    """Weights that are kept, as a training uses them; their state is in the checkpoint."""

    def update(self, position: Position) -> None:
        """Look at the network after the optimiser step that led to `position`."""
        ...

    def validated(self, position: Position, mean: float) -> None:
        """Take in the mean Dice of a round of validation that all cases have been seen by, at `position`."""
        ...

    def evaluate(self) -> AbstractContextManager[nn.Module]:
        """Lend the network that validation looks at, in evaluation mode, for as long as the block runs."""
        ...

    def write(self, position: Position) -> str:
        """Write the files that are predicted with, at the end of the training.

        Returns:
            What was kept, in a sentence, where that does not go without saying; else an empty text.
        """
        ...


class AverageKeeper:
    """An exponential moving average (EMA) of the weights.

    The decay warms up as min(decay, (1 + t) / (10 + t)), so that a short training is not averaged with its random
    start. Running statistics of batch norm are copied, not averaged.
    """

    def __init__(self, network: nn.Module, folder: FoldFolder, decay: float) -> None:
        self._network, self._folder, self._decay = network, folder, decay
        self.average = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, position: Position) -> None:
        """Follow the network by one step."""
        steps = position.iteration - 1
        decay = min(self._decay, (1 + steps) / (10 + steps))
        torch._foreach_lerp_(list(self.average.parameters()), list(self._network.parameters()), 1 - decay)
        for mine, other in zip(self.average.buffers(), self._network.buffers(), strict=True):
            mine.copy_(other)

    def validated(self, position: Position, mean: float) -> None:
        """Take in nothing: the end is kept, however good it is."""

    def evaluate(self) -> AbstractContextManager[nn.Module]:
        """Lend the average, which always is in evaluation mode."""
        return nullcontext(self.average)

    def state(self) -> Mapping[str, Tensor]:
        """Return the average."""
        return self.average.state_dict()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put the average back."""
        self.average.load_state_dict(dict(state))

    def write(self, position: Position) -> str:
        """Write the average."""
        _write(self._folder, self.average.state_dict(), position.iteration)
        return ""


class LastKeeper:
    """The weights as they are; validation looks at the network itself."""

    def __init__(self, network: nn.Module, folder: FoldFolder) -> None:
        self._network, self._folder = network, folder

    def update(self, position: Position) -> None:
        """Keep nothing of a step."""

    def validated(self, position: Position, mean: float) -> None:
        """Take in nothing: the end is kept, however good it is."""

    def evaluate(self) -> AbstractContextManager[nn.Module]:
        """Lend the network, and put it back into training mode."""
        return _evaluating(self._network)

    def state(self) -> Mapping[str, Tensor]:
        """Return nothing: the network is in the checkpoint."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put nothing back."""

    def write(self, position: Position) -> str:
        """Write the network's weights."""
        _write(self._folder, self._network.state_dict(), position.iteration)
        return ""


class BestKeeper:
    """The averaged weights of the round of validation with the best mean Dice.

    Compared are means over the latest outcome of every case, from the round on with which each has one: earlier ones
    are of other cases. Without such a round it is the average at the end.
    """

    def __init__(self, network: nn.Module, folder: FoldFolder, decay: float) -> None:
        self._following, self._folder = AverageKeeper(network, folder, decay), folder
        self._best = {name: tensor.clone() for name, tensor in self._following.state().items()}
        # Of a Dice, none of which is below 0.
        self._mean, self._iteration = -1.0, 0

    def update(self, position: Position) -> None:
        """Let the average follow the network by one step."""
        self._following.update(position)

    @torch.no_grad()
    def validated(self, position: Position, mean: float) -> None:
        """Keep the average if it is better than all before."""
        if mean <= self._mean:
            return
        self._mean, self._iteration = mean, position.iteration
        for name, tensor in self._following.state().items():
            self._best[name].copy_(tensor)

    def evaluate(self) -> AbstractContextManager[nn.Module]:
        """Lend the average."""
        return self._following.evaluate()

    def state(self) -> Mapping[str, Tensor]:
        """Return the average, the best one, and how good it was when."""
        numbers = {
            "mean": torch.tensor(self._mean, dtype=torch.float64),
            "iteration": torch.tensor(self._iteration),
        }
        average = {f"average/{name}": tensor for name, tensor in self._following.state().items()}
        return average | {f"best/{name}": tensor for name, tensor in self._best.items()} | numbers

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put all of it back."""
        prefix = "average/"
        self._following.restore(
            {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
        )
        for name, tensor in self._best.items():
            tensor.copy_(state[f"best/{name}"])
        self._mean, self._iteration = float(state["mean"]), int(state["iteration"])

    def write(self, position: Position) -> str:
        """Write the best weights, or the average where none are known."""
        if not self._iteration:
            self._following.write(position)
            return "No round of validation had seen all cases by then: the weights of the end are kept, not the best."
        _write(self._folder, self._best, self._iteration)
        return f"The weights of step {self._iteration} are kept: best mean Dice in validation, {self._mean:.3f}."


class SnapshotKeeper:
    """The weights at several times, evenly spaced, each in a file of its own; the last one is of the end.

    What is left of them is spaced over what is left of the training whenever its number of steps changes. A training
    that is extended takes all of them again over the added steps, and replaces the files one by one.
    """

    def __init__(self, network: nn.Module, folder: FoldFolder, count: int) -> None:
        self._network, self._folder, self._count = network, folder, count
        # How many are written, and at which iteration the latest one was, or where spacing began.
        self._written, self._latest = 0, 0

    def update(self, position: Position) -> None:
        """Write a snapshot where one is due; not of weights that are not finite: the training will go back."""
        if self._written and position.rewarm_from >= self._latest:
            self._written, self._latest = 0, position.rewarm_from
        if not self._is_due(position) or not is_finite(self._network):
            return
        self._written, self._latest = self._written + 1, position.iteration
        if processes.leads():
            self._save(position)

    def validated(self, position: Position, mean: float) -> None:
        """Take in nothing: when snapshots are taken is known before."""

    def evaluate(self) -> AbstractContextManager[nn.Module]:
        """Lend the network, and put it back into training mode."""
        return _evaluating(self._network)

    def state(self) -> Mapping[str, Tensor]:
        """Return which snapshots there are; they themselves are in their files."""
        return {"written": torch.tensor(self._written), "latest": torch.tensor(self._latest)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on behind the snapshots that there were."""
        self._written, self._latest = int(state["written"]), int(state["latest"])

    def write(self, position: Position) -> str:
        """Remove what an earlier end of the training left behind; say which snapshots were deleted since."""
        snapshots = [self._folder.snapshot(number + 1) for number in range(self._written)]
        for path in self._folder.weight_files():
            if path not in snapshots:
                path.unlink()
        if snapshots and not snapshots[-1].is_file() and self._latest == position.iteration:
            self._save(position)  # it holds the weights of now
        lost = [path.name for path in snapshots if not path.is_file()]
        if lost:
            left = f"{len(snapshots) - len(lost)} of {counted(len(snapshots), 'snapshot')} are kept"
            return f"{left}: {', '.join(lost)} {'was' if len(lost) == 1 else 'were'} deleted."
        return f"{self._written} snapshots are kept." if self._written != 1 else "One snapshot is kept."

    def _save(self, position: Position) -> None:
        path = self._folder.snapshot(self._written)
        save_tensors(path, self._network.state_dict(), {"iteration": str(position.iteration)})

    def _is_due(self, position: Position) -> bool:
        left = self._count - self._written
        if not position.iterations or not left:
            return False
        return (position.iteration - self._latest) * left >= position.iterations - self._latest


def build_averaged(options: AveragedOptions, network: nn.Module, folder: FoldFolder) -> Keeper:
    """Return the keeper of a network's average."""
    return AverageKeeper(network, folder, options.decay)


def build_last(options: LastOptions, network: nn.Module, folder: FoldFolder) -> Keeper:
    """Return the keeper of a network's last weights."""
    return LastKeeper(network, folder)


def build_best(options: BestOptions, network: nn.Module, folder: FoldFolder) -> Keeper:
    """Return the keeper of a network's best average."""
    return BestKeeper(network, folder, options.decay)


def build_snapshots(options: SnapshotsOptions, network: nn.Module, folder: FoldFolder) -> Keeper:
    """Return the keeper of a network's snapshots."""
    return SnapshotKeeper(network, folder, options.count)


KeeperBuilder = Callable[[Any, nn.Module, FoldFolder], Keeper]

BUILDERS: BuilderTable[KeeperBuilder] = BuilderTable(
    WEIGHTS,
    {
        AveragedOptions: build_averaged,
        BestOptions: build_best,
        LastOptions: build_last,
        SnapshotsOptions: build_snapshots,
    },
)


def build_keeper(choice: Choice, network: nn.Module, folder: FoldFolder) -> Keeper:
    """Build what keeps the weights that a plan names.

    Args:
        choice: of the plan.
        network: that is trained, with the weights that it starts from.
        folder: that files of weights are written into.

    Raises:
        PlanError: there is no such entry.
    """
    options, build = BUILDERS.find(choice)
    return build(options, network, folder)


def is_finite(network: nn.Module) -> bool:
    """Return whether all weights are numbers; waits for the device."""
    return all(bool(parameter.isfinite().all()) for parameter in network.parameters())


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[nn.Module]:
    network.eval()
    try:
        yield network
    finally:
        network.train()


def _write(folder: FoldFolder, tensors: Mapping[str, Tensor], iteration: int) -> None:
    save_tensors(folder.weights, tensors, {"iteration": str(iteration)})
