from __future__ import annotations

import pytest
import torch
from torch import nn

from autoseg.models.tensors import load_tensors, save_tensors
from autoseg.training.checkpoint import State, load_checkpoint, save_checkpoint
from autoseg.training.optimizers import build_optimizer
from autoseg.training.position import Position
from autoseg.training.weights import build_keeper
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import WorkspaceError
from planners.choices import Choice
from planners.parts import OPTIMIZERS, WEIGHTS


def make_state(folder, optimizer="adamw", weights="averaged", inputs=3):
    network = nn.Linear(inputs, 2)
    return State(
        network=network,
        optimizer=build_optimizer(Choice(name=optimizer), network.parameters())[0],
        keeper=build_keeper(Choice(name=weights), network, FoldFolder(root=folder)),
    )


def step(state, position):
    state.optimizer.zero_grad()
    state.network(torch.ones(1, 3)).sum().backward()
    state.optimizer.step()
    state.keeper.update(position)
    state.keeper.validated(position, 1 / position.iteration)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_checkpoint_puts_everything_back(tmp_path, optimizer, weights):
    first, second = (make_state(tmp_path, optimizer, weights) for _ in range(2))
    for done in range(1, 4):
        step(first, Position(iteration=done, iterations=10))
    position = Position(iteration=3, iterations=10, seconds=1.5)
    save_checkpoint(tmp_path / "c.safetensors", first, position)
    assert load_checkpoint(tmp_path / "c.safetensors", second) == position
    for state in (first, second):
        step(state, position.stepped())
    for before, after in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(before, after)
    kept, again = first.keeper.state(), second.keeper.state()
    assert kept.keys() == again.keys()
    assert all(torch.equal(kept[name], again[name]) for name in kept)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    save_checkpoint(tmp_path / "c.safetensors", make_state(tmp_path), Position())
    with pytest.raises(WorkspaceError, match="does not fit this plan's network"):
        load_checkpoint(tmp_path / "c.safetensors", make_state(tmp_path, inputs=4))


def test_a_checkpoint_of_other_weights_is_refused(tmp_path):
    save_checkpoint(tmp_path / "c.safetensors", make_state(tmp_path, weights="last"), Position())
    for weights in ("averaged", "best", "snapshots"):
        with pytest.raises(WorkspaceError, match="does not fit this plan's network"):
            load_checkpoint(tmp_path / "c.safetensors", make_state(tmp_path, weights=weights))


def test_a_checkpoint_of_impossible_minutes_is_refused(tmp_path):
    save_checkpoint(tmp_path / "c.safetensors", make_state(tmp_path), Position(minutes=-1.0))
    with pytest.raises(WorkspaceError, match=r"its iterations were counted for -1\.0 minutes"):
        load_checkpoint(tmp_path / "c.safetensors", make_state(tmp_path))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_checkpoint_whose_optimiser_is_of_another_shape_is_refused(tmp_path, optimizer):
    first, second = (make_state(tmp_path, optimizer) for _ in range(2))
    path, position = tmp_path / "c.safetensors", Position(iteration=1, iterations=10)
    step(first, position)
    save_checkpoint(path, first, position)
    tensors, texts = load_tensors(path)
    name = next(key for key in sorted(tensors) if key.startswith("optimizer/0/") and tensors[key].ndim)
    edited = {key: (tensor[:1] if key == name else tensor).clone() for key, tensor in tensors.items()}
    save_tensors(path, edited, texts)
    with pytest.raises(WorkspaceError, match=r"of the optimiser is of shape \(1, 3\), expected \(2, 3\)"):
        load_checkpoint(path, second)
