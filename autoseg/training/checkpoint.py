"""A training's whole state in one safetensors file, so that it is written in one step and holds no pickle."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from autoseg.training.position import Position
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.files.jsonfiles import from_plain


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
    tensors, metadata = load_tensors(path)
    groups: defaultdict[str, dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in tensors.items():
        group, _, name = key.partition("/")
        groups[group][name] = tensor
    try:
        state.network.load_state_dict(groups["network"])
        state.keeper.restore(groups["keeper"])
        _load_optimizer(state.optimizer, groups["optimizer"])
    except (RuntimeError, ValueError, KeyError) as error:
        raise WorkspaceError(
            f"{path}: does not fit this plan's network ({str(error).splitlines()[0]}). "
            "Delete the fold's folder to start over."
        ) from error
    return from_plain(json.loads(metadata["position"]), Position, str(path))


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write named tensors in one step."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, save(plain, metadata=dict(metadata)))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read named tensors and the texts beside them.

    Raises:
        WorkspaceError: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as stream:
            return {name: stream.get_tensor(name) for name in stream.keys()}, dict(stream.metadata() or {})  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WorkspaceError(f"{path}: cannot be read ({error}). Delete it and train the fold again.") from error


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        index, _, name = key.partition("/")
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
