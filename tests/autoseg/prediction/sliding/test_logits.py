from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from autoseg.networks import build_network
from autoseg.prediction import Window, make_window, predict_logits
from autoseg.prediction.sliding.less_memory import Sliding
from autoseg.prediction.sliding.logits import HeldLogits, MeanLogits, StreamedLogits
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_scheme

CPU = torch.device("cpu")
SHAPE = (37, 13, 9)


class Counting(nn.Module):
    """A network that counts its passes.

    Args:
        network: that it calls.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.passes = network, 0

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.passes += len(x)
        found: tuple[torch.Tensor, ...] = self.network(x)
        return found


def make_sliding(slice_axis: int = -1, seed: int = 0, shape: tuple[int, ...] = SHAPE) -> tuple[Sliding, Counting]:
    torch.manual_seed(seed)
    configuration = tiny_configuration(slice_axis)
    network = Counting(build_network(configuration, 1, 3).eval().requires_grad_(False))
    window = make_window(configuration, plain_scheme(2).heads(), CPU, mirror=False)
    return Sliding(network=network, image=torch.randn(1, *shape), window=window), network


@pytest.mark.parametrize("slice_axis", [-1, 0])
@pytest.mark.parametrize("thickness", [1, 7, 100])
def test_logits_that_are_streamed_are_those_that_are_held_bit_for_bit(slice_axis: int, thickness: int) -> None:
    sliding, network = make_sliding(slice_axis)
    held = predict_logits(sliding.network, sliding.image, sliding.window)
    at_once, network.passes = network.passes, 0
    streamed = StreamedLogits(sliding.slide, CPU)
    for start in range(0, SHAPE[0], thickness):
        stop = min(start + thickness, SHAPE[0])
        for _ in range(2):
            assert torch.equal(streamed.read(start, stop), held[:, start:stop])
    assert network.passes == at_once


def test_any_layers_can_be_read_in_any_order() -> None:
    sliding, _ = make_sliding()
    held = predict_logits(sliding.network, sliding.image, sliding.window)
    streamed, chance = StreamedLogits(sliding.slide, CPU), random.Random(0)
    for _ in range(8):
        start = chance.randrange(SHAPE[0])
        stop = chance.randint(start + 1, SHAPE[0])
        assert torch.equal(streamed.read(start, stop), held[:, start:stop])


def test_going_back_looks_only_at_tiles_that_are_needed() -> None:
    sliding, network = make_sliding()
    streamed = StreamedLogits(sliding.slide, CPU)
    for start in range(SHAPE[0]):
        streamed.read(start, start + 1)
    network.passes = 0
    streamed.read(20, 21)
    # Of 37 layers in tiles of 8 that overlap by half, two rows of 3 times 2 tiles hold layer 20; the next tile ends it.
    assert 2 * 6 <= network.passes <= 2 * 6 + 1


def test_only_layers_that_may_be_read_again_are_kept() -> None:
    sliding, _ = make_sliding()
    streamed = StreamedLogits(sliding.slide, CPU)
    for start in range(SHAPE[0]):
        streamed.read(start, start + 1)
        kept = sum(block.values.shape[1] for block in streamed._kept)
        # Runs of layers between borders of tiles that overlap by half are half a tile long at most.
        assert kept <= 4 + 1


def test_a_mean_of_logits_reads_its_members_side_by_side() -> None:
    pairs = [make_sliding(seed=seed) for seed in range(2)]
    held = [predict_logits(sliding.network, sliding.image, sliding.window) for sliding, _ in pairs]
    for _, network in pairs:
        network.passes = 0
    members = tuple(StreamedLogits(sliding.slide, CPU) for sliding, _ in pairs)
    mean = MeanLogits(members=members, shares=(0.25, 0.75))
    same = MeanLogits(members=tuple(HeldLogits(values=one, device=CPU) for one in held), shares=(0.25, 0.75))
    assert (mean.held, same.held) == (False, True)
    for start in range(SHAPE[0]):
        assert torch.equal(mean.read(start, start + 1), same.read(start, start + 1))
        assert torch.equal(members[1].read(start, start + 1), held[1][:, start : start + 1])
    tiles = len(pairs[0][0].window.positions(SHAPE))
    assert [network.passes for _, network in pairs] == [tiles, tiles]


def test_sums_are_counted_in_bytes() -> None:
    window: Window = make_sliding()[0].window
    assert window.sums_bytes((37, 13, 9)) == 8 * 13 * 9 * 4 * 4
    assert window.sums_bytes((5, 13, 9)) == 5 * 13 * 9 * 4 * 4
