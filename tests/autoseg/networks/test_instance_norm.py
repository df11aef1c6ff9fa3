from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from autoseg.networks.instance_norm import EPSILON, InstanceNorm, channels_last

SHAPES = {2: (3, 4, 5, 6), 3: (3, 4, 5, 6, 7)}


def norm_with_random_weights() -> InstanceNorm:
    generator = torch.Generator().manual_seed(0)
    norm = InstanceNorm(4).double()
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    return norm


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("last", [False, True])
def test_output_and_gradients_are_those_of_torch(dimensions: int, last: bool) -> None:
    norm = norm_with_random_weights()
    x = torch.randn(SHAPES[dimensions], dtype=torch.float64)
    x = (channels_last(x) if last else x).requires_grad_()
    pull = torch.randn(x.shape, dtype=torch.float64)

    def gradients(output: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad((output * pull).sum(), (x, norm.weight, norm.bias))

    found, expected = norm(x), F.instance_norm(x, weight=norm.weight, bias=norm.bias, eps=EPSILON)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients(found), gradients(expected))


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("last", [False, True])
def test_a_single_voxel_becomes_the_shift(dimensions: int, last: bool) -> None:
    norm = norm_with_random_weights()
    x = torch.randn(2, 4, *(1,) * dimensions, dtype=torch.float64)
    found = norm(channels_last(x) if last else x)
    torch.testing.assert_close(found.flatten(1), norm.bias.expand(2, 4))


@pytest.mark.parametrize("channels", [1, 4])
def test_channels_last_is_seen_by_convolutions(channels: int) -> None:
    x = torch.randn(2, channels, 3, 4, 5)
    converted = channels_last(x)
    assert torch.equal(converted, x)
    assert converted.stride(1) == 1
