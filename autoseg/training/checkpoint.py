"""A training's whole state in one safetensors file, so that it is written in one step and holds no pickle."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from autoseg.models.tensors import find_broken, find_misfit, load_tensors, save_tensors
from autoseg.training.position import Position
from dataset_fingerprints.errors import FileFormatError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import parse_json

# What a checkpoint's tensors are named after.
GROUPS = ("network", "keeper", "optimizer")
# Far more than any training has; a larger number is a mistake.
MOST_ITERATIONS = 10**9
REMEDY = (
    "Weights that are beside it still predict. To train on, put a copy of the file back, or delete it and give the "
    "same command again: the training then starts over."
)


class Restorable(Protocol):
    """Something whose state is in a checkpoint."""

    def state(self) -> Mapping[str, Tensor]:
        """Return everything that it needs to go on."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned; raises KeyError or RuntimeError for that of something else."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """State that a checkpoint saves beside the position."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    keeper: Restorable


def save_checkpoint(path: Path, state: State, position: Position) -> None:
    """Write the state in one step."""
    tensors = {f"network/{name}": tensor for name, tensor in state.network.state_dict().items()}
    tensors |= {f"keeper/{name}": tensor for name, tensor in state.keeper.state().items()}
    for index, values in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{name}": value for name, value in values.items() if torch.is_tensor(value)}
    save_tensors(path, tensors, {"position": json.dumps(asdict(position))})


def load_checkpoint(path: Path, state: State) -> Position:
    """Put a saved state back.

    Raises:
        WorkspaceError: the file is damaged or belongs to another network.
    """
    tensors, metadata = load_tensors(path, REMEDY)
    groups: dict[str, dict[str, Tensor]] = {group: {} for group in GROUPS}
    for key, tensor in tensors.items():
        group, _, name = key.partition("/")
        if group not in groups:
            raise WorkspaceError(f"{path}: holds '{key}', which no checkpoint does. {REMEDY}")
        groups[group][name] = tensor
    position = _read_position(path, metadata)
    misfit = find_misfit(groups["network"], state.network.state_dict())
    broken = find_broken(groups["network"])
    if misfit or broken:
        reason = misfit or f"{broken} holds values that are not finite"
        raise WorkspaceError(f"{path}: does not fit this plan's network ({reason}). {REMEDY}")
    try:
        state.network.load_state_dict(groups["network"])
        state.keeper.restore(groups["keeper"])
        _load_optimizer(state.optimizer, groups["optimizer"])
    except (RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise WorkspaceError(f"{path}: does not fit this plan's network ({reason}). {REMEDY}") from error
    return position


def _read_position(path: Path, metadata: Mapping[str, str]) -> Position:
    if "position" not in metadata:
        raise WorkspaceError(f"{path}: does not say how far the training was. {REMEDY}")
    try:
        position = parse_json(metadata["position"].encode(), Position, str(path), REMEDY)
    except FileFormatError as error:
        raise WorkspaceError(str(error)) from error
    problem = next(_find_problems(position), "")
    if problem:
        raise WorkspaceError(f"{path}: {problem}. {REMEDY}")
    return position


def _find_problems(position: Position) -> Iterator[str]:
    """Yield what no training can have come to."""
    if not 0 <= position.iterations <= MOST_ITERATIONS:
        yield f"says that the training has {position.iterations} iterations. Expected 0 to {MOST_ITERATIONS}"
    if not 0 <= position.iteration <= (position.iterations or MOST_ITERATIONS):
        yield f"says that {position.iteration} of {position.iterations} iterations are done"
    if not 0 <= position.rewarm_from <= position.iteration or position.rollbacks < 0:
        yield f"says that the training was extended at iteration {position.rewarm_from}"
    for spent in (position.seconds, position.validation_seconds):
        if not (math.isfinite(spent) and spent >= 0):
            yield f"says that the training took {spent} s"
    if not (math.isfinite(position.minutes) and position.minutes >= 0):
        yield f"says that its iterations were counted for {position.minutes} minutes"
    if not 0 < position.rate_factor <= 1:
        yield f"has the factor {position.rate_factor} on the learning rate. Expected more than 0, at most 1"


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put an optimiser's state back.

    Raises:
        ValueError: a tensor is not of its parameter's shape. Fused optimisers read raw memory, and torch does not look.
        IndexError: there is no such parameter.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        index, _, name = key.partition("/")
        expected = () if name == "step" else tuple(parameters[int(index)].shape)
        if tuple(tensor.shape) != expected:
            raise ValueError(f"{key} of the optimiser is of shape {tuple(tensor.shape)}, expected {expected}")
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
