from __future__ import annotations

import pytest
import torch

from autoseg.networks.layers import Layers, is_slow, largest_divisor


@pytest.mark.parametrize(("number", "limit", "expected"), [(32, 8, 8), (12, 8, 6), (7, 4, 1), (4, 8, 4), (9, 3, 3)])
def test_largest_divisor(number: int, limit: int, expected: int) -> None:
    assert largest_divisor(number, limit) == expected


def test_group_norm_takes_as_many_groups_as_divide_its_features() -> None:
    assert Layers(dimensions=3, norm="group", groups=8).normalization(20).num_groups == 5


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("dimensions", "shape"), [(3, (1, 4, 6, 9, 8)), (3, (1, 1, 2, 8, 8)), (2, (1, 4, 9, 8))])
def test_a_single_sample_is_convolved_as_a_batch_is(
    dimensions: int, shape: tuple[int, ...], stride: int, kernel: int
) -> None:
    torch.manual_seed(5)
    layers = Layers(dimensions=dimensions, norm="instance", groups=1)
    convolution = layers.convolution((shape[1], 5), (kernel,) * dimensions, (stride,) * dimensions)
    x = torch.randn(shape)
    assert is_slow(x)
    pair = torch.cat((x, x))
    assert not is_slow(pair)
    found: list[tuple[torch.Tensor, ...]] = []
    for given, share in ((x, 1.0), (pair, 0.5)):
        convolution.zero_grad()
        given = given.clone().requires_grad_()
        features = convolution(given)
        (share * features.square().sum()).backward()
        assert given.grad is not None
        grads = (parameter.grad for parameter in convolution.parameters())
        found.append((features[:1], given.grad[:1] / share, *(grad.clone() for grad in grads if grad is not None)))
    # Sums of up to 432 products in another order: what cancels in them is as wrong as their largest terms.
    for one, other in zip(*found, strict=True):
        assert (one - other).abs().max() <= 1e-4 * other.abs().max()


def test_half_precision_and_batches_are_left_to_torch() -> None:
    x = torch.randn(1, 4, 6, 6, 6)
    assert is_slow(x)
    assert not is_slow(x.bfloat16())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not is_slow(x)
