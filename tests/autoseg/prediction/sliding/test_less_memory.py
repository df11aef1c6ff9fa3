from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from autoseg.prediction.sliding.less_memory import Sliding, fit_tiles, halve_tiles
from autoseg.prediction.sliding.tiles import Window
from planners.plan import Configuration
from tests.synthetic.configurations import tiny_configuration


def configure(patch_shape: tuple[int, int, int], slice_axis: int = -1) -> Configuration:
    return replace(tiny_configuration(slice_axis), patch_shape=patch_shape)


def window(configuration: Configuration, tiles_at_once: int = 4) -> Window:
    return Window(
        configuration=configuration,
        outputs=2,
        exclusive=True,
        device=torch.device("cpu"),
        autocast=torch.float32,
        mirror=False,
        tiles_at_once=tiles_at_once,
    )


class Hungry(nn.Module):
    """Logits that follow from the voxel alone, of no more voxels at once than fit into its memory.

    Args:
        most: voxels.
        error: that is raised for more.
    """

    def __init__(self, most: float, error: Exception) -> None:
        super().__init__()
        self.most, self.error = most, error
        self.inputs: list[tuple[int, ...]] = []

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.inputs.append(tuple(x.shape))
        if x.numel() > self.most:
            raise self.error
        return (torch.cat([-x, x**2], dim=1),)


ERRORS = {
    "a GPU's": torch.OutOfMemoryError("CUDA out of memory"),
    "a CPU's": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
    "Python's": MemoryError(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_batches_and_then_tiles_become_smaller_as_memory_runs_out(name: str) -> None:
    image = torch.randn(1, 70, 40, 36)
    network = Hungry(32 * 16 * 32, ERRORS[name])
    sliding = Sliding(network=network, image=image, window=window(configure((32, 32, 32))))
    values = torch.cat([block.values for block in sliding.slide()], dim=1)
    expected = torch.cat([-image, image**2])
    assert torch.allclose(values, expected, atol=1e-5)
    batches = [shape[0] for shape in network.inputs]
    assert batches[:3] == [4, 2, 1]
    assert network.inputs[-1][2:] == (16, 32, 32)


def test_what_is_done_before_memory_runs_out_stays() -> None:
    class Late(Hungry):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            self.most = math.inf if len(self.inputs) < 20 else 16 * 32 * 32
            return super().forward(x)

    image = torch.randn(1, 100, 40, 36)
    network = Late(0, torch.OutOfMemoryError())
    sliding = Sliding(network=network, image=image, window=window(configure((32, 32, 32)), tiles_at_once=1))
    blocks = list(sliding.slide())
    assert [block.start for block in blocks[1:]] == [block.stop() for block in blocks[:-1]]
    assert torch.allclose(torch.cat([block.values for block in blocks], 1), torch.cat([-image, image**2]), atol=1e-5)


def test_what_fits_in_no_way_is_a_lack_of_memory() -> None:
    network = Hungry(10, torch.OutOfMemoryError("CUDA out of memory"))
    sliding = Sliding(network=network, image=torch.randn(1, 40, 40, 36), window=window(configure((32, 32, 32))))
    with pytest.raises(MemoryError, match="CUDA out of memory"):
        list(sliding.slide())
    assert network.inputs[-1] == (1, 1, 16, 16, 16)


def test_any_other_error_is_no_lack_of_memory() -> None:
    network = Hungry(10, RuntimeError("no kernel"))
    sliding = Sliding(network=network, image=torch.randn(1, 40, 40, 36), window=window(configure((32, 32, 32))))
    with pytest.raises(RuntimeError, match="no kernel"):
        list(sliding.slide())
    assert len(network.inputs) == 1


def test_a_gpu_that_holds_no_tile_leaves_the_scan_to_the_cpu() -> None:
    on_gpu = replace(window(configure((32, 16, 16))), device=torch.device("cuda"), autocast=torch.bfloat16)
    network = Hungry(math.inf, MemoryError())
    sliding = Sliding(network=network, image=torch.randn(1, 40, 18, 16), window=on_gpu)
    *on_device, last = sliding._list_ways()
    assert [way.window.configuration.patch_shape for way in on_device] == [(32, 16, 16), (16, 16, 16)]
    assert {way.window.device.type for way in on_device} == {"cuda"}
    assert (last.window.device.type, last.window.tiles_at_once) == ("cpu", 1)
    assert last.network is not network
    values = torch.cat([block.values for block in last.slide()], dim=1)
    assert torch.allclose(values, torch.cat([-sliding.image, sliding.image**2]), atol=1e-5)


@pytest.mark.parametrize(
    ("patch", "slice_axis", "expected"),
    [
        ((64, 32, 32), -1, (32, 32, 32)),
        ((32, 40, 32), -1, (32, 20, 32)),
        ((36, 16, 16), -1, (16, 16, 16)),
        ((16, 16, 16), -1, None),
        ((1, 64, 48), 0, (1, 32, 48)),
        ((24, 24, 24), -1, None),
    ],
)
def test_tiles_become_smaller_along_their_longest_edge_by_what_the_network_takes(
    patch: tuple[int, int, int], slice_axis: int, expected: tuple[int, int, int] | None
) -> None:
    smaller = halve_tiles(configure(patch, slice_axis))
    assert (None if smaller is None else smaller.patch_shape) == expected


def test_tiles_have_fewer_layers_where_a_limit_asks_for_it(caplog: pytest.LogCaptureFixture) -> None:
    planned, shape = window(configure((64, 64, 48))), (200, 100, 90)
    whole = 64 * 100 * 90 * 3 * 4
    assert fit_tiles(planned, shape, whole) is planned
    assert not caplog.records
    assert fit_tiles(planned, shape, whole - 1).configuration.patch_shape == (32, 64, 48)
    assert "32x64x48 voxels at once instead of 64x64x48" in caplog.text
    assert fit_tiles(planned, shape, whole / 4).configuration.patch_shape == (16, 64, 48)
    assert fit_tiles(planned, shape, -1).configuration.patch_shape == (16, 64, 48)
