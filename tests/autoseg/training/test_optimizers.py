"""The fused optimisers move a real network's weights as the plain ones do, also after a checkpoint."""

import copy

import pytest
import torch
from torch import nn

from autoseg.networks import build_unet
from autoseg.training.checkpoint import State, load_checkpoint, save_checkpoint
from autoseg.training.optimizers import build_optimizer
from autoseg.training.position import Position
from autoseg.training.weights import build_keeper
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import PlanError
from planners.choices import Choice
from planners.parts import OPTIMIZERS
from planners.parts.networks import UNetOptions

NETWORK = UNetOptions(
    features=(4, 6, 8),
    kernels=((1, 3, 3), (3, 3, 3), (3, 3, 3)),
    strides=((1, 1, 1), (1, 2, 2), (2, 2, 2)),
    encoder_blocks=(1, 1, 1),
    decoder_blocks=(1, 1),
)


def make_state(name, folder):
    torch.manual_seed(3)
    network = build_unet(NETWORK, 2, 2, False)
    return State(
        network=network,
        optimizer=build_optimizer(Choice(name=name), network.parameters())[0],
        keeper=build_keeper(Choice(name="averaged"), network, FoldFolder(root=folder)),
    )


def compute_gradients(network, batch):
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network(batch)
    sum(output.float().square().mean() for output in outputs).backward()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_lowers_a_simple_loss(name):
    parameter = nn.Parameter(torch.tensor([3.0]))
    optimizer, rate = build_optimizer(Choice(name=name), [parameter])
    assert rate == OPTIMIZERS[name]().lr
    for _ in range(20):
        optimizer.zero_grad()
        (parameter**2).backward()
        optimizer.step()
    assert parameter.item() < 3


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_moves_weights_as_its_plain_form_does(tmp_path, name):
    state = make_state(name, tmp_path)
    reference = copy.deepcopy(state.network)
    plain, _ = build_optimizer(Choice(name=name), reference.parameters())
    for group in plain.param_groups:
        assert group["fused"]
        group.update(fused=False, foreach=False)
    first = [parameter.detach().clone() for parameter in state.network.parameters()]
    generator = torch.Generator().manual_seed(4)
    for iteration in range(6):
        if iteration == 3:
            # What comes back from a file may lie in memory in another order.
            save_checkpoint(tmp_path / "c.safetensors", state, Position())
            state = make_state(name, tmp_path)
            load_checkpoint(tmp_path / "c.safetensors", state)
        compute_gradients(state.network, torch.randn(2, 2, 4, 16, 16, generator=generator))
        for mine, other in zip(reference.parameters(), state.network.parameters(), strict=True):
            mine.grad = None if other.grad is None else other.grad.clone()
        for optimizer in (state.optimizer, plain):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    for before, mine, other in zip(first, state.network.parameters(), reference.parameters(), strict=True):
        # Single-precision rounding of the same formula in another order, over six steps.
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)
        assert not torch.equal(before, mine)


def test_an_unknown_optimizer_or_option_says_what_was_meant():
    with pytest.raises(PlanError, match="Did you mean 'adamw'"):
        build_optimizer(Choice(name="adamww"), [])
    with pytest.raises(PlanError, match=r"no option 'weight_deca'\. Did you mean 'weight_decay'"):
        build_optimizer(Choice(name="sgd", options={"weight_deca": 1.0}), [])
