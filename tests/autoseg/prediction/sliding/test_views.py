"""Halves that a network slides over one by one, and their logits, put together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from autoseg.networks import build_network
from autoseg.prediction import Window, count_passes, make_window, predict_logits
from autoseg.prediction.sliding.less_memory import Sliding
from autoseg.prediction.sliding.logits import StreamedLogits
from autoseg.prediction.sliding.views import slide_views
from autoseg.preprocessing import View
from autoseg.preprocessing.views import divide_box
from dataset_fingerprints.geometry import Triple, make_box
from planners.halves import Halves
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_scheme

CPU = torch.device("cpu")
# An odd length along each axis; halves of 10 and 11, 5 and 6, 4 and 5.
SHAPE = (21, 11, 9)


class Counting(nn.Module):
    """A network that counts its passes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.passes = network, 0

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.passes += len(x)
        found: tuple[torch.Tensor, ...] = self.network(x)
        return found


def make_pair(slice_axis: int = -1, *, mirror: bool = False) -> tuple[Counting, Window]:
    torch.manual_seed(0)
    configuration = tiny_configuration(slice_axis)
    network = Counting(build_network(configuration, 1, 3).eval().requires_grad_(False))
    return network, make_window(configuration, plain_scheme(2).heads(), CPU, mirror=mirror)


def divide(shape: Triple, axis: int, mirrored: str = "first") -> tuple[View, ...]:
    return divide_box(make_box((0, 0, 0), shape), axis, shape[axis] // 2, mirrored)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("mirrored", ["first", "second"])
@pytest.mark.parametrize("slice_axis", [-1, 2])
def test_logits_of_halves_are_those_of_each_by_itself_turned_back(axis: int, mirrored: str, slice_axis: int) -> None:
    network, window = make_pair(slice_axis)
    # One tile along each axis: the places of tiles are rounded otherwise in a mirrored array.
    shape = (16, 8, 8)
    window = replace(
        window,
        configuration=replace(
            window.configuration, prediction=replace(window.configuration.prediction, step_share=1.0)
        ),
    )
    image = torch.randn(1, *shape)
    views = divide(shape, axis, mirrored)
    found = predict_logits(network, image, window, views).numpy()
    for view in views:
        alone = predict_logits(network, torch.from_numpy(view.take(image.numpy())), window).numpy()
        assert np.allclose(view.take(found), alone, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_nothing_reaches_across_the_middle(axis: int) -> None:
    network, window = make_pair(mirror=True)
    image = torch.randn(1, *SHAPE)
    first, second = views = divide(SHAPE, axis)
    before = predict_logits(network, image, window, views)
    image[(slice(None), *second.box.slices())] += 5
    after = predict_logits(network, image, window, views)
    inside, outside = ((slice(None), *view.box.slices()) for view in (first, second))
    assert torch.equal(before[inside], after[inside])
    assert not torch.allclose(before[outside], after[outside])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_scan_that_mirrors_itself_gets_the_same_on_both_sides(axis: int) -> None:
    network, window = make_pair()
    half = torch.randn(1, 8, 8, 8)
    image = torch.cat([half.flip(1 + axis), half], 1 + axis)
    shape = (image.shape[1], image.shape[2], image.shape[3])
    logits = predict_logits(network, image, window, divide(shape, axis))
    assert torch.allclose(logits, logits.flip(1 + axis), atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("thickness", [1, 7])
def test_halves_that_are_streamed_are_those_that_are_held(axis: int, thickness: int) -> None:
    network, window = make_pair()
    image, views = torch.randn(1, *SHAPE), divide(SHAPE, axis)
    held = predict_logits(network, image, window, views)
    at_once, network.passes = network.passes, 0
    prediction = replace(window.configuration.prediction, mirror_axes=())
    assert at_once == count_passes(SHAPE, window.configuration.patch_shape, prediction, Halves(axis=axis))
    sliding = Sliding(network=network, image=image, window=window, views=views)
    streamed = StreamedLogits(sliding.slide, CPU)
    for start in range(0, SHAPE[0], thickness):
        stop = min(start + thickness, SHAPE[0])
        assert torch.equal(streamed.read(start, stop), held[:, start:stop])
    assert network.passes == at_once
    # Any layer can be the first.
    for first in (0, 9, 10, 11, 20):
        blocks = list(slide_views(network, image, window, views, None, first))
        assert torch.equal(torch.cat([block.values for block in blocks], 1), held[:, blocks[0].start :])
        assert blocks[0].start == first


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_tiles_without_body_are_left_out_in_both_halves(axis: int) -> None:
    network, window = make_pair()
    shape = (32, 32, 32)
    image, views = torch.randn(1, *shape), divide(shape, axis)
    everything = predict_logits(network, image, window, views)
    network.passes = 0
    body = torch.zeros(16, 16, 16, dtype=torch.bool)
    body[9:12, 9:12, 9:12] = True
    blocks = slide_views(network, image, window, views, body)
    found = torch.cat([block.values for block in blocks], 1)
    looked_at, all_tiles = (
        network.passes,
        count_passes(shape, (8, 8, 8), replace(window.configuration.prediction, mirror_axes=()), Halves(axis=axis)),
    )
    assert 0 < looked_at < all_tiles / 4
    assert torch.equal(found[:, 19:23, 19:23, 19:23], everything[:, 19:23, 19:23, 19:23])
    assert (found[0, :8] == 20).all()
