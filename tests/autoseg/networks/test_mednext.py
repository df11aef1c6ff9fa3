"""MedNeXt as its paper gives it (Roy 2023, arXiv:2303.09975)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from autoseg.networks import build_network
from autoseg.networks.mednext import MedNeXtBlock, build_mednext
from planners.choices import choose
from planners.parts.networks import MedNeXtOptions, SizeName, size_mednext
from tests.autoseg.networks.examples import MEDNEXTS
from tests.synthetic.configurations import tiny_configuration

# Table 1: millions of parameters, and GFlops, which are multiply-adds of a patch of 128x128x128.
TABLE: dict[tuple[SizeName, int], tuple[float, float]] = {
    ("S", 3): (5.6, 130),
    ("S", 5): (5.9, 169),
    ("B", 3): (10.5, 170),
    ("B", 5): (11.0, 208),
    ("M", 3): (17.6, 248),
    ("M", 5): (18.3, 308),
    ("L", 3): (61.8, 500),
    ("L", 5): (63.0, 564),
}
FIVE_LEVELS = ((1, 1, 1), *((2, 2, 2),) * 4)


def size(name: SizeName, kernel: int, levels: int = 5) -> MedNeXtOptions:
    return size_mednext(name, ((kernel,) * 3,) * levels, FIVE_LEVELS[:levels])


def on_meta(options: MedNeXtOptions, channels: int = 1, outputs: int = 2) -> nn.Module:
    with torch.device("meta"):
        return build_mednext(options, channels, outputs, False)


@pytest.mark.parametrize(("name", "kernel"), TABLE, ids=lambda value: str(value))
def test_published_sizes_have_the_parameters_and_multiplications_of_table_1(name: SizeName, kernel: int) -> None:
    parameters, multiplications = TABLE[name, kernel]
    # Counted for one channel and two labels, without the heads of deep supervision.
    options = replace(size(name, kernel), deep_supervision=False)
    count = sum(parameter.numel() for parameter in on_meta(options).parameters())
    # S with kernel 5 has 5.98 million, printed as 5.9.
    assert count == pytest.approx(parameters * 1e6, abs=0.09e6)
    layers = options.layers(1, 2, (128, 128, 128))
    assert layers.parameters() == count
    assert layers.multiplications() == pytest.approx(multiplications * 1e9, rel=0.01)


def test_the_defaults_are_size_s_with_kernel_3() -> None:
    assert MedNeXtOptions() == size("S", 3)


def test_fewer_levels_are_the_finest_of_the_five_and_more_repeat_the_last() -> None:
    three = size("M", 3, levels=3)
    assert (three.features, three.encoder_blocks, three.encoder_expansions) == ((32, 64, 128), (3, 4, 4), (2, 3, 4))
    six = size_mednext("L", ((3, 3, 3),) * 6, (*FIVE_LEVELS, (2, 2, 2)))
    assert (six.features[-2:], six.encoder_blocks[-2:], six.decoder_blocks[-1]) == ((512, 512), (8, 8), 8)


def test_a_block_is_depthwise_norm_expansion_gelu_compression_beside_its_input() -> None:
    torch.manual_seed(0)
    block = MedNeXtBlock((4, 4), 3, (3, 3, 3))
    assert (block.depthwise.groups, block.expansion.out_channels) == (4, 12)
    x = torch.randn(2, 4, 5, 6, 7)
    # "channel-wise GroupNorm": as many groups as channels.
    norm = nn.functional.group_norm(block.depthwise(x), 4, block.norm.weight, block.norm.bias)
    expected = x + block.compression(nn.functional.gelu(block.expansion(norm)))
    torch.testing.assert_close(block(x), expected, rtol=1e-5, atol=1e-5)


def test_a_strided_block_halves_and_a_transposed_one_doubles_with_strided_skips() -> None:
    down = MedNeXtBlock((4, 8), 2, (3, 5, 3), (2, 2, 1))
    up = MedNeXtBlock((8, 4), 2, (3, 5, 3), (2, 2, 1), up=True)
    x = torch.randn(1, 4, 8, 6, 5)
    halved = down(x)
    assert tuple(halved.shape) == (1, 8, 4, 3, 5)
    assert tuple(up(halved).shape) == tuple(x.shape)
    assert isinstance(up.skip, nn.ConvTranspose3d)
    assert (down.skip.stride, up.skip.stride, up.skip.kernel_size) == ((2, 2, 1), (2, 2, 1), (1, 1, 1))


def test_features_of_the_encoder_are_added_not_concatenated() -> None:
    network = on_meta(MedNeXtOptions())
    inputs = [level[1].depthwise.in_channels for level in network.decoder]  # type: ignore[union-attr,index]
    assert inputs == [256, 128, 64, 32]


def count_kept(module: nn.Module, images: torch.Tensor) -> int:
    """Return the values of all tensors that a forward pass keeps, each once, weights and image left out."""
    kept: dict[int, torch.Tensor] = {}
    known = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), images)}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in known:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = module(images)
        total = torch.stack([output.square().mean() for output in outputs]).sum()
    logits = {output.untyped_storage().data_ptr() for output in outputs}
    assert total.isfinite()
    return sum(tensor.untyped_storage().nbytes() // 4 for place, tensor in kept.items() if place not in logits)


def list_uneven() -> Iterator[tuple[MedNeXtOptions, tuple[int, ...]]]:
    for axes, patch in ((2, (24, 32)), (3, (8, 16, 12))):
        shape: dict[str, Any] = {
            name: tuple(map(tuple, rows)) if isinstance(rows[0], list) else tuple(rows)
            for name, rows in MEDNEXTS[axes].items()
        }
        yield MedNeXtOptions(**shape), patch


@pytest.mark.parametrize("recomputed", [False, True])
@pytest.mark.parametrize(("options", "patch"), tuple(list_uneven()), ids=["2d", "3d"])
def test_what_is_kept_for_the_backward_pass_is_what_its_layers_say(
    options: MedNeXtOptions, patch: tuple[int, ...], recomputed: bool
) -> None:
    layers = options.layers(1, 3, patch)
    network = build_mednext(options, 1, 3, recomputed)
    images = torch.randn(2, 1, *patch)
    # What goes from block to block; the norms' statistics are a few numbers per channel.
    expected = sum(level[-1].values() if recomputed else sum(layer.kept for layer in level) for level in layers.levels)
    assert count_kept(network, images) == pytest.approx(2 * expected, rel=0.05)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("coarsest", [(1, 1, 1), (2, 1, 1), (2, 2, 1), (2, 2, 3)])
def test_gradients_on_maps_of_a_few_voxels_are_numbers(coarsest: tuple[int, int, int], half: bool) -> None:
    torch.manual_seed(0)
    options = replace(size("S", 3, levels=3), features=(4, 8, 8))
    network = build_mednext(options, 1, 2, False)
    images = torch.randn(2, 1, *(4 * length for length in coarsest))
    for _ in range(3):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            outputs = network(images)
        # A convolution that reads more than was written would find these.
        held = [torch.full((4**power,), float("nan")) for power in range(3, 10) for _ in range(8)]
        del held
        torch.stack([output.float().square().mean() for output in outputs]).sum().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_a_plan_names_it_in_two_dimensions() -> None:
    options = size_mednext("S", ((5, 5),) * 3, ((1, 1), (2, 2), (2, 2)), features=4)
    configuration = replace(tiny_configuration(1), network=choose("mednext", options))
    network = build_network(configuration, 1, 2)
    assert [tuple(output.shape[2:]) for output in network(torch.randn(2, 1, 8, 8))] == [(8, 8), (4, 4), (2, 2)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decoder_blocks": (2, 2)}, r"decoder_blocks is \[2, 2\]. Expected 4 numbers of 1 to 256, for 5 levels"),
        ({"encoder_expansions": (0, 2, 2, 2, 2)}, r"encoder_expansions is .* Expected 5 numbers of 1 to 64"),
        ({"kernels": ((2, 3, 3),) * 5}, "Expected odd numbers"),
        ({"kernels": ((3, 3),) * 5}, "Expected 3 positive numbers for each of 5 levels"),
        ({"strides": ((2, 2, 2),) * 5}, r"strides begins with \[2, 2, 2\]. Expected 1"),
        ({"features": ()}, "features is empty"),
    ],
)
def test_options_that_do_not_fit_together_are_said(changes: dict[str, Any], message: str) -> None:
    problems = list(replace(MedNeXtOptions(), **changes).find_shape_problems(3))
    assert any(re.search(message, problem) for problem in problems), problems
    assert not list(MedNeXtOptions().find_shape_problems(3))


def test_a_divided_network_keeps_its_layers() -> None:
    scaled = MedNeXtOptions().scaled(8)
    assert scaled.features == (4, 8, 16, 32, 64)
    assert replace(scaled, features=MedNeXtOptions().features) == MedNeXtOptions()
