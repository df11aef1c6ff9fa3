"""Predicting a preprocessed scan tile by tile; its layers leave as soon as no further tile touches them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from autoseg.prediction.sliding.passes import predict_tiles
from autoseg.prediction.sliding.tiles import Window, weigh_tile
from dataset_fingerprints.geometry import Triple

# Of tiles that are left out: a probability of background that float32 cannot tell from 1, or of each region of 2e-9.
CERTAIN = 20.0
# Of a GPU's free memory, what sums of logits may take on it.
SUMS_SHARE = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Finished logits of some neighbouring layers.

    Attributes:
        start: their first, counted along the image's first axis.
        values: (output, layers, y, z) float32.
    """

    start: int
    values: torch.Tensor

    def stop(self) -> int:
        """Return the layer behind the last one."""
        return self.start + self.values.shape[1]

    def overlaps(self, start: int, stop: int) -> bool:
        """Return whether it has layers of a range."""
        return self.start < stop and start < self.stop()

    def cut(self, start: int, stop: int) -> torch.Tensor:
        """Return the values of those of its layers that lie in a range."""
        return self.values[:, max(start, self.start) - self.start : stop - self.start]


@dataclass(kw_only=True, slots=True)
class _Sums:
    """Weighted sums of the logits of layers that tiles begin or end at, but not inside.

    Attributes:
        start: the first layer.
        stop: the layer behind the last one.
        total: (output, layers, y, z); None as long as no tile touched them.
        tiles: the starts of those that did, of which the weights follow.
    """

    start: int
    stop: int
    total: torch.Tensor | None = None
    tiles: list[Triple] = field(default_factory=list)


def slide(
    network: nn.Module,
    image: torch.Tensor,
    window: Window,
    left_out: frozenset[Triple] = frozenset(),
    first: int = 0,
) -> Iterator[Block]:
    """Yield a network's mean logits over all flips, from one layer of the first axis on, each layer once.

    The sums of at most a tile's layers are in memory.

    Args:
        network: in evaluation mode, on the window's device.
        image: (channel, x, y, z), on any device; floats of 16 bits stay as they are.
        window: how to run.
        left_out: the starts of tiles without anything to be found (`find_empty`): background, where no other tile says
            otherwise.
        first: the first layer that is wanted.
    """
    padded, (inside, *across) = _pad(_bring(image, window), window.configuration.patch_shape)
    shape = (padded.shape[1], padded.shape[2], padded.shape[3])
    edge = window.configuration.patch_shape[0]
    first += inside.start
    starts = [start for start in window.positions(shape) if start[0] + edge > first]
    looked_at = [start for start in starts if start not in left_out]
    place = _choose_place(window, shape)
    weights = weigh_tile(window.configuration.patch_shape, window.configuration.prediction).to(place)
    waiting = deque(_list_layers(starts, edge, first))

    def leave(reached: int) -> Iterator[Block]:
        while waiting and waiting[0].stop <= reached:
            sums = waiting.popleft()
            wanted = slice(max(sums.start, first, inside.start), min(sums.stop, inside.stop))
            if wanted.start < wanted.stop:
                layers = slice(wanted.start - sums.start, wanted.stop - sums.start)
                values = _finish(sums, weights, window, shape, partly_seen=bool(left_out))
                values = values[(slice(None), layers, *across)]
                yield Block(start=wanted.start - inside.start, values=values)

    for start, tile in predict_tiles(network, padded, looked_at, window):
        yield from leave(start[0])
        _add(waiting, start, tile.to(place), weights, shape)
        del tile  # while the next is made
    yield from leave(shape[0])


def _bring(image: torch.Tensor, window: Window) -> torch.Tensor:
    """Return an image on the window's device, as float32 unless its network computes in fewer bits anyway."""
    kept = image.dtype in (torch.float16, torch.bfloat16) and window.autocast != torch.float32
    return image.to(window.device, image.dtype if kept else torch.float32)


def _list_layers(starts: Sequence[Triple], edge: int, first: int) -> Iterator[_Sums]:
    """Yield the runs of layers between the starts and stops of tiles, from the one with the first layer on."""
    borders = sorted({border for x, _, _ in starts for border in (x, x + edge)})
    for start, stop in pairwise(borders):
        if stop > first:
            yield _Sums(start=start, stop=stop)


@torch.inference_mode()
def _add(waiting: Iterable[_Sums], start: Triple, tile: torch.Tensor, weights: torch.Tensor, shape: Triple) -> None:
    """Add a tile's logits (output, x, y, z) to all runs of layers that it covers."""
    x, y, z = start
    x_edge, y_edge, z_edge = weights.shape
    rows, columns = slice(y, y + y_edge), slice(z, z + z_edge)
    for sums in waiting:
        if sums.start >= x + x_edge:
            break
        if sums.total is None:
            sums.total = torch.zeros((len(tile), sums.stop - sums.start, *shape[1:]), device=tile.device)
        covered = slice(sums.start - x, sums.stop - x)
        # Output by output: all at once they would take as much again.
        for total, values in zip(sums.total, tile, strict=True):
            total[:, rows, columns] += values[covered] * weights[covered]
        sums.tiles.append(start)


@torch.inference_mode()
def _finish(sums: _Sums, weights: torch.Tensor, window: Window, shape: Triple, *, partly_seen: bool) -> torch.Tensor:
    """Return the mean logits (output, layers, y, z) of a run of layers: certain background where no tile looked."""
    background = torch.full((window.outputs, 1, 1, 1), -CERTAIN, device=weights.device)
    if window.exclusive:
        background[0] = CERTAIN
    if sums.total is None:
        return background.expand(-1, sums.stop - sums.start, *shape[1:])
    weight = _weigh(sums, weights, shape)
    unseen = weight == 0 if partly_seen else None
    mean = sums.total.div_(weight)
    return mean if unseen is None else torch.where(unseen, background, mean)


def _weigh(sums: _Sums, weights: torch.Tensor, shape: Triple) -> torch.Tensor:
    """Return the (layers, y, z) sums of the weights of the tiles that touched a run of layers."""
    total = torch.zeros((sums.stop - sums.start, *shape[1:]), device=weights.device)
    _, y_edge, z_edge = weights.shape
    for x, y, z in sums.tiles:
        total[:, y : y + y_edge, z : z + z_edge] += weights[sums.start - x : sums.stop - x]
    return total


def _choose_place(window: Window, shape: Triple) -> torch.device:
    """Return the device for the sums: the network's, or the CPU where they would take much of a GPU's memory."""
    if window.device.type != "cuda":
        return window.device
    free, _ = torch.cuda.mem_get_info(window.device)
    return window.device if window.sums_bytes(shape) <= SUMS_SHARE * free else torch.device("cpu")


def _pad(image: torch.Tensor, tile: Triple) -> tuple[torch.Tensor, tuple[slice, slice, slice]]:
    """Pad an image that is smaller than a tile with zeros on both sides; return it and where the image lies in it."""
    margins = [max(0, edge - length) for edge, length in zip(tile, image.shape[1:], strict=True)]
    before = [margin // 2 for margin in margins]
    x, y, z = (slice(start, start + length) for start, length in zip(before, image.shape[1:], strict=True))
    if not any(margins):
        return image, (x, y, z)
    pads = [value for axis in (2, 1, 0) for value in (before[axis], margins[axis] - before[axis])]
    return F.pad(image, pads), (x, y, z)
