from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from autoseg.prediction import Window, mark, predict_logits, restore_logits, restore_probabilities
from autoseg.preprocessing import Record
from dataset_fingerprints.geometry import Box, make_grid
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_heads, region_scheme


class Pointwise(nn.Module):
    """Logits that follow from the voxel alone, so that tiles and flips must not show."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (torch.cat([-x[:, :1], self.factor * x[:, :1] ** 2], dim=1),)


class FirstAxisRamp(nn.Module):
    """Logits that depend on the place in the tile, which flips must average out."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ramp = torch.linspace(-1, 1, x.shape[2]).view(-1, *[1] * (x.ndim - 3)).expand(x.shape[2:])
        return (torch.stack([ramp, -ramp]).expand(x.shape[0], -1, *x.shape[2:]),)


def window(slice_axis=-1, mirror=False, tiles_at_once=3):
    return Window(
        configuration=tiny_configuration(slice_axis=slice_axis),
        outputs=2,
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
    assert torch.allclose(predict_logits([Pointwise()], image, window(slice_axis, mirror)), expected, atol=1e-5)


def test_networks_are_averaged():
    image = torch.randn(1, 9, 9, 9)
    expected = Pointwise(2.0)(image[None])[0][0]
    assert torch.allclose(predict_logits([Pointwise(1.0), Pointwise(3.0)], image, window()), expected, atol=1e-5)


def test_flips_average_a_lopsided_network_out():
    logits = predict_logits([FirstAxisRamp()], torch.zeros(1, 8, 8, 8), window(mirror=True))
    assert torch.allclose(logits, torch.zeros_like(logits), atol=1e-6)


def test_a_batch_of_tiles_gives_the_same_as_one_by_one():
    image = torch.randn(1, 20, 15, 11)
    one = predict_logits([FirstAxisRamp()], image, window(tiles_at_once=1))
    assert torch.allclose(predict_logits([FirstAxisRamp()], image, window(tiles_at_once=64)), one, atol=1e-6)


def test_tiles_are_halved_when_memory_runs_out():
    calls = []

    class Hungry(Pointwise):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            calls.append(len(x))
            if len(x) > 2:
                raise torch.OutOfMemoryError
            return super().forward(x)

    image = torch.randn(1, 20, 15, 11)
    logits = predict_logits([Hungry()], image, window(tiles_at_once=8))
    assert torch.allclose(logits, Pointwise()(image[None])[0][0], atol=1e-5)
    assert calls[0] == 8
    assert max(calls[2:]) == 2


def test_any_other_error_is_not_taken_for_a_lack_of_memory():
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            raise RuntimeError("no kernel")

    with pytest.raises(RuntimeError, match="no kernel"):
        predict_logits([Broken()], torch.zeros(1, 8, 8, 8), window())


def record(inside=(12, 9, 10), shape=(6, 9, 15)):
    start = (2, 1, 3)
    box = Box(start=start, stop=tuple(s + n for s, n in zip(start, inside, strict=True)))
    return Record(box=box, shape=shape, source_grid=make_grid((20, 16, 18), np.eye(4)))


@pytest.mark.parametrize("slab_voxels", [1, 500, 10**9])
def test_logits_are_resampled_as_scipy_does_it_slab_by_slab(monkeypatch, slab_voxels):
    monkeypatch.setattr("autoseg.prediction.restore.SLAB_VOXELS", slab_voxels)
    done = record()
    logits = torch.randn(3, *done.shape)
    grids = [
        np.clip((np.arange(t) + 0.5) * n / t - 0.5, 0, n - 1) for n, t in zip(done.shape, done.box.shape(), strict=True)
    ]
    points = np.meshgrid(*grids, indexing="ij")
    expected = np.stack([ndimage.map_coordinates(c, points, order=1, mode="nearest") for c in logits.numpy()])
    labels = restore_logits(logits, done, plain_heads(logits.shape[0]))
    assert labels.shape == (20, 16, 18)
    assert np.array_equal(labels[done.box.slices()], expected.argmax(0))
    outside = np.ones(labels.shape, dtype=bool)
    outside[done.box.slices()] = False
    assert not labels[outside].any()


def test_probabilities_are_kept_inside_the_box_that_holds_them():
    done = replace(record(), shape=(12, 9, 10))
    logits = torch.zeros(2, 12, 9, 10)
    logits[0] = 20
    logits[1, 4:6, 3:5, 2:7] = 40
    labels, probabilities = restore_probabilities(logits, done, plain_heads(logits.shape[0]))
    assert labels.sum() == 2 * 2 * 5
    assert probabilities.box == Box(start=(6, 4, 5), stop=(8, 6, 10))
    assert (probabilities.values == 255).all()


def test_regions_are_written_over_each_other_in_the_stated_order():
    heads = region_scheme().heads()
    logits = torch.tensor([[-1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, 1.0, 1.0]]).reshape(2, 4, 1, 1)
    assert mark(logits, heads).flatten().tolist() == [0, 1, 2, 2]
    reversed_order = replace(heads, members=heads.members[::-1], written=heads.written[::-1])
    assert mark(logits.flip(0), reversed_order).flatten().tolist() == [0, 1, 1, 2]


def test_region_probabilities_do_not_compete():
    done = replace(record(), shape=(12, 9, 10))
    logits = torch.full((2, 12, 9, 10), -20.0)
    logits[:, 4:6, 3:5, 2:7] = 20.0
    labels, probabilities = restore_probabilities(logits, done, region_scheme().heads())
    assert set(np.unique(labels)) == {0, 2}
    assert probabilities.values.shape == (2, 2, 2, 5)
    assert (probabilities.values == 255).all()
