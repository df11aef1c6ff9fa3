"""The fused optimisers move a real network's weights as the plain ones do, also after a checkpoint."""

import copy

import pytest
import torch

from autoseg.networks import UNetOptions
from autoseg.training import OPTIMIZERS
from autoseg.training.averaging import WeightAverage
from autoseg.training.checkpoint import Parts, load_checkpoint, save_checkpoint
from autoseg.training.position import Position
from planners.plan import Topology

TOPOLOGY = Topology(
    features=(4, 6, 8),
    kernels=((1, 3, 3), (3, 3, 3), (3, 3, 3)),
    strides=((1, 1, 1), (1, 2, 2), (2, 2, 2)),
    encoder_blocks=(1, 1, 1),
    decoder_blocks=(1, 1),
)


def make_parts(name):
    torch.manual_seed(3)
    network = UNetOptions().build(TOPOLOGY, 2, 2, True)
    return Parts(
        network=network,
        average=WeightAverage(network, 0.9),
        optimizer=OPTIMIZERS[name]().build(network.parameters()),
    )


def compute_gradients(network, batch):
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network(batch)
    sum(output.float().square().mean() for output in outputs).backward()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_moves_weights_as_its_plain_form_does(tmp_path, name):
    parts = make_parts(name)
    reference = copy.deepcopy(parts.network)
    plain = OPTIMIZERS[name]().build(reference.parameters())
    for group in plain.param_groups:
        assert group["fused"]
        group.update(fused=False, foreach=False)
    first = [parameter.detach().clone() for parameter in parts.network.parameters()]
    generator = torch.Generator().manual_seed(4)
    for iteration in range(6):
        if iteration == 3:
            # What comes back from a file may lie in memory in another order.
            save_checkpoint(tmp_path / "c.safetensors", parts, Position())
            parts = make_parts(name)
            load_checkpoint(tmp_path / "c.safetensors", parts)
        compute_gradients(parts.network, torch.randn(2, 2, 4, 16, 16, generator=generator))
        for mine, other in zip(reference.parameters(), parts.network.parameters(), strict=True):
            mine.grad = None if other.grad is None else other.grad.clone()
        for optimizer in (parts.optimizer, plain):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    for before, mine, other in zip(first, parts.network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)
        assert not torch.equal(before, mine)
