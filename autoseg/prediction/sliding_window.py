"""Predicting a whole preprocessed scan tile by tile, with flips averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from autoseg.prediction.tiles import flip_sets, tile_positions, weigh_tile
from autoseg.prediction.watching import report_passes
from dataset_fingerprints.geometry import Triple
from planners.plan import Configuration


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Settings of a sliding window.

    Attributes:
        outputs: channels of the logits.
        mirror: whether the configuration's flips are averaged.
        autocast: the number type of the network's convolutions.
        tiles_at_once: network inputs per call.
    """

    configuration: Configuration
    outputs: int
    device: torch.device
    autocast: torch.dtype
    mirror: bool
    tiles_at_once: int

    def flipped_axes(self) -> tuple[int, ...]:
        """Return the axes whose flips are averaged, in all combinations."""
        return self.configuration.prediction.mirror_axes if self.mirror else ()


@torch.inference_mode()
def predict_logits(network: nn.Module, image: torch.Tensor, window: Window) -> torch.Tensor:
    """Return a network's mean logits over all flips.

    Args:
        network: in evaluation mode, on the window's device.
        image: (channel, x, y, z), on any device.
        window: how to run.

    Returns:
        (output, x, y, z) float32 on the window's device.
    """
    configuration = window.configuration
    padded, inside = _pad(image.to(window.device, torch.float32), configuration.patch_shape)
    shape = (padded.shape[1], padded.shape[2], padded.shape[3])
    prediction = configuration.prediction
    starts = tile_positions(shape, configuration.patch_shape, prediction.step_share)
    weights = weigh_tile(configuration.patch_shape, prediction).to(window.device)
    total = torch.zeros((window.outputs, *shape), device=window.device)
    weight = torch.zeros(shape, device=window.device)
    tiles_at_once = window.tiles_at_once
    total_passes = len(starts) * len(flip_sets(window.flipped_axes()))
    done = 0
    while done < len(starts):
        chosen = starts[done : done + tiles_at_once]
        try:
            logits = _predict_tiles(network, _cut(padded, chosen, configuration.patch_shape), window, total_passes)
        except torch.OutOfMemoryError:
            if tiles_at_once == 1:
                raise
            tiles_at_once = max(1, tiles_at_once // 2)
            continue
        for start, tile in zip(chosen, logits, strict=True):
            place = _slices(start, configuration.patch_shape)
            total[(slice(None), *place)] += tile * weights
            weight[place] += weights
        done += len(chosen)
    return (total / weight)[(slice(None), *inside)]


def _predict_tiles(network: nn.Module, tiles: torch.Tensor, window: Window, total_passes: int) -> torch.Tensor:
    """Return the (tile, output, x, y, z) mean logits over flips."""
    # The first of the sets is empty.
    _, *flips = flip_sets(window.flipped_axes())
    total = _call(network, tiles, window)
    report_passes(len(tiles), total_passes)
    for flip in flips:
        dimensions = [2 + axis for axis in flip]
        total.add_(_call(network, tiles.flip(dimensions), window).flip(dimensions))
        report_passes(len(tiles), total_passes)
    return total / (1 + len(flips))


def _call(network: nn.Module, tiles: torch.Tensor, window: Window) -> torch.Tensor:
    """Run a network on (tile, channel, x, y, z), dropping the sliced axis for a 2D one and putting it back."""
    slice_axis = window.configuration.slice_axis
    inputs = tiles.squeeze(2 + slice_axis) if slice_axis >= 0 else tiles
    low_precision = window.autocast != torch.float32
    with torch.autocast(window.device.type, dtype=window.autocast, enabled=low_precision):
        logits: torch.Tensor = network(inputs)[0]
    logits = logits.float()
    return logits.unsqueeze(2 + slice_axis) if slice_axis >= 0 else logits


def _pad(image: torch.Tensor, tile: Triple) -> tuple[torch.Tensor, tuple[slice, slice, slice]]:
    """Pad an image that is smaller than a tile with zeros on both sides; return it and where the image lies in it."""
    margins = [max(0, edge - length) for edge, length in zip(tile, image.shape[1:], strict=True)]
    before = [margin // 2 for margin in margins]
    pads = [value for axis in (2, 1, 0) for value in (before[axis], margins[axis] - before[axis])]
    x, y, z = (slice(start, start + length) for start, length in zip(before, image.shape[1:], strict=True))
    return F.pad(image, pads), (x, y, z)


def _cut(image: torch.Tensor, starts: Sequence[Triple], tile: Triple) -> torch.Tensor:
    return torch.stack([image[(slice(None), *_slices(start, tile))] for start in starts])


def _slices(start: Triple, tile: Triple) -> tuple[slice, slice, slice]:
    x, y, z = (slice(begin, begin + edge) for begin, edge in zip(start, tile, strict=True))
    return (x, y, z)
