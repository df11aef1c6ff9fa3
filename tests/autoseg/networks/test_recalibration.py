"""Squeeze and excitation, and dropout of whole channels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autoseg.networks import build_unet
from autoseg.networks.recalibration import SpatialDropout, SqueezeExcitation
from planners.choices import Choice, resolve
from planners.parts import NETWORKS
from planners.parts.networks.recalibration import count_reduced
from tests.autoseg.networks.examples import UNETS
from tests.synthetic.configurations import tiny_network


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("space", [(5, 6), (3, 4, 5)])
def test_squeeze_and_excitation_by_hand(space: tuple[int, ...]) -> None:
    """Thesis, 3.2: average pooling; a fully connected layer with reduction, ReLU; one more, sigmoid; scaling."""
    torch.manual_seed(0)
    module, x = SqueezeExcitation(8, reduction=2), images(2, 8, *space)
    means = x.flatten(2).numpy().mean(axis=2)
    first, second = ([part.detach().numpy() for part in (layer.weight, layer.bias)] for layer in module.children())
    assert first[0].shape == (4, 8)
    hidden = np.maximum(means @ first[0].T + first[1], 0)
    weights = 1 / (1 + np.exp(-(hidden @ second[0].T + second[1])))
    expected = x.numpy() * weights.reshape(2, 8, *[1] * len(space))
    np.testing.assert_allclose(module(x).detach().numpy(), expected, rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        np.testing.assert_allclose(module(x.clone()).numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("features", "reduction", "expected"), [(64, 16, 4), (256, 16, 16), (3, 16, 3), (8, 1, 8)])
def test_four_units_are_left_at_least(features: int, reduction: int, expected: int) -> None:
    assert count_reduced(features, reduction) == expected


def test_every_level_ends_with_what_weighs_its_channels() -> None:
    options = tiny_network(3, attention="squeeze_excitation", dropout=0.1)
    network = build_unet(options, 1, 2, recomputed=False)
    levels = [*network.encoder, *(level.blocks for level in network.decoder)]
    ends = [[type(module) for module in list(level)[-2:]] for level in levels]
    assert ends == [[SqueezeExcitation, SpatialDropout]] * (3 + 2)


def test_dropout_leaves_out_whole_channels_of_single_samples_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    x = torch.ones(200, 50, 3, 3)
    result = SpatialDropout(0.2).train()(x)
    flat = result.flatten(2)
    assert (flat == flat[..., :1]).all()
    torch.testing.assert_close(flat.unique(), torch.tensor([0.0, 1.25]))
    # 10,000 channels: four standard deviations of the share are 0.016.
    assert float((flat[..., 0] == 0).float().mean()) == pytest.approx(0.2, abs=0.016)
    assert not (result[0, :, 0, 0] == result[1, :, 0, 0]).all()


def test_dropout_does_nothing_in_evaluation() -> None:
    x = images(2, 4, 5, 5)
    assert SpatialDropout(0.5).eval()(x) is x


@pytest.mark.parametrize("axes", [2, 3])
def test_recomputed_levels_leave_out_the_same_channels(axes: int) -> None:
    options = resolve(Choice(name="unet", options={**UNETS[axes], "dropout": 0.4}), NETWORKS, "network")
    x = images(2, 1, *(16,) * axes)
    gradients = []
    for recomputed in (False, True):
        torch.manual_seed(1)
        network = build_unet(options, 1, 2, recomputed=recomputed)  # type: ignore[arg-type]
        torch.manual_seed(2)
        torch.stack([output.square().mean() for output in network(x)]).sum().backward()
        gradients.append([parameter.grad for parameter in network.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True) if one is not None)


def test_without_the_options_the_network_is_the_one_that_it_was() -> None:
    kinds = {type(module) for module in build_unet(tiny_network(3), 1, 2, recomputed=False).modules()}
    assert not kinds & {SqueezeExcitation, SpatialDropout, nn.Linear}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": 0}, "reduction is 0. Expected 1 or more"),
        ({"dropout": 1.0}, "dropout is 1.0. Expected 0 or more"),
    ],
)
def test_options_beyond_their_limits_are_named(options: dict[str, object], message: str) -> None:
    assert message in " ".join(tiny_network(3, **options).find_shape_problems(3))
