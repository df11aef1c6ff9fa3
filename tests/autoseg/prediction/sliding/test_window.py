from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from autoseg.prediction import Window, predict_logits
from autoseg.prediction.sliding.window import _add, _finish, _Sums
from tests.synthetic.configurations import tiny_configuration


class Pointwise(nn.Module):
    """Logits that follow from the voxel alone, so that tiles and flips must not show."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (torch.cat([-x[:, :1], x[:, :1] ** 2], dim=1),)


class Outputs(nn.Module):
    """A layer's result as a network's."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self.layer(x),)


class FirstAxisRamp(nn.Module):
    """Logits that depend on the place in the tile, which flips must average out."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ramp = torch.linspace(-1, 1, x.shape[2]).view(-1, *[1] * (x.ndim - 3)).expand(x.shape[2:])
        return (torch.stack([ramp, -ramp]).expand(x.shape[0], -1, *x.shape[2:]),)


def window(slice_axis=-1, mirror=False, tiles_at_once=3):
    return Window(
        configuration=tiny_configuration(slice_axis=slice_axis),
        outputs=2,
        exclusive=True,
        device=torch.device("cpu"),
        autocast=torch.float32,
        mirror=mirror,
        tiles_at_once=tiles_at_once,
    )


@pytest.mark.parametrize("slice_axis", [-1, 0, 1, 2])
@pytest.mark.parametrize("shape", [(5, 6, 7), (8, 8, 8), (19, 13, 9)])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_pointwise_network_gives_its_own_logits_whatever_the_tiles(slice_axis, shape, mirror):
    image = torch.randn(1, *shape)
    expected = Pointwise()(image[None])[0][0]
    assert torch.allclose(predict_logits(Pointwise(), image, window(slice_axis, mirror)), expected, atol=1e-5)


def test_flips_average_a_lopsided_network_out():
    logits = predict_logits(FirstAxisRamp(), torch.zeros(1, 8, 8, 8), window(mirror=True))
    assert torch.allclose(logits, torch.zeros_like(logits), atol=1e-6)


def test_a_batch_of_tiles_gives_the_same_as_one_by_one():
    image = torch.randn(1, 20, 15, 11)
    one = predict_logits(FirstAxisRamp(), image, window(tiles_at_once=1))
    assert torch.allclose(predict_logits(FirstAxisRamp(), image, window(tiles_at_once=64)), one, atol=1e-6)


def test_tiles_are_halved_when_memory_runs_out():
    calls = []

    class Hungry(Pointwise):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            calls.append(len(x))
            if len(x) > 2:
                raise torch.OutOfMemoryError
            return super().forward(x)

    image = torch.randn(1, 20, 15, 11)
    logits = predict_logits(Hungry(), image, window(tiles_at_once=8))
    assert torch.allclose(logits, Pointwise()(image[None])[0][0], atol=1e-5)
    assert calls[0] == 8
    assert max(calls[2:]) == 2


def test_any_other_error_is_not_taken_for_a_lack_of_memory():
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            raise RuntimeError("no kernel")

    with pytest.raises(RuntimeError, match="no kernel"):
        predict_logits(Broken(), torch.zeros(1, 8, 8, 8), window())


@pytest.mark.parametrize("kept", [torch.float16, torch.bfloat16])
def test_a_network_in_single_precision_is_given_it_whatever_the_image_is_kept_in(kept):
    network = nn.Conv3d(1, 2, 3, padding=1)
    image = torch.randn(1, 8, 8, 8).to(kept)
    expected = predict_logits(Outputs(network), image.float(), window())
    assert torch.equal(predict_logits(Outputs(network), image, window()), expected)


class Halving(nn.Module):
    """A network that takes even lengths only, and gives each voxel the mean of its 2x2x2 block."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        assert all(length % 2 == 0 for length in x.shape[2:])
        return (nn.functional.interpolate(nn.functional.avg_pool3d(x, 2), scale_factor=2),)


def test_tiles_that_the_strides_do_not_divide_are_padded_for_the_network_and_cut_back():
    uneven = replace(window().configuration, patch_shape=(7, 8, 5))
    shown = replace(window(), configuration=uneven, outputs=1, divisors=(2, 2, 2))
    image = torch.randn(1, 7, 8, 5)
    expected = Halving()(nn.functional.pad(image[None], (0, 1, 0, 0, 0, 1)))[0][0][:, :7, :, :5]
    torch.testing.assert_close(predict_logits(Halving(), image, shown), expected)


def test_an_image_is_covered_by_tiles_that_the_strides_do_not_divide():
    uneven = replace(window().configuration, patch_shape=(7, 8, 5))
    shown = replace(window(mirror=True), configuration=uneven, divisors=(4, 4, 4))
    image = torch.randn(1, 20, 15, 11)
    torch.testing.assert_close(predict_logits(Pointwise(), image, shown), Pointwise()(image[None])[0][0])


def test_layers_that_no_tile_looked_at_lie_where_the_others_do():
    weights = torch.ones((8, 8, 8), device="meta")
    seen, unseen = (_Sums(start=0, stop=2) for _ in range(2))
    _add([seen], (0, 0, 0), torch.zeros((2, 8, 8, 8), device="meta"), weights, (8, 8, 8))
    shown = replace(window(), exclusive=False)
    found = [_finish(sums, weights, shown, (8, 8, 8), partly_seen=True) for sums in (seen, unseen)]
    assert [values.device.type for values in found] == ["meta", "meta"]
    assert [values.shape for values in found] == [(2, 2, 8, 8)] * 2
