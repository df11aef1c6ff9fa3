"""Passes of tiles through a network, several at once, with their flips averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from autoseg.hardware import ran_out_of_memory, release_memory
from autoseg.networks.padding import cut_back, pad_behind
from autoseg.prediction.sliding.tiles import Window, cut_seen, flip_sets
from autoseg.prediction.sliding.watching import report_passes
from dataset_fingerprints.geometry import Triple

# A tile and the axes along which it is flipped.
Pass = tuple[Triple, tuple[int, ...]]


def predict_tiles(
    network: nn.Module, image: torch.Tensor, starts: Sequence[Triple], window: Window
) -> Iterator[tuple[Triple, torch.Tensor]]:
    """Yield the start of each tile and its mean logits (output, x, y, z) over flips, in the order of the starts.

    Without flips they are of the network's number type, else float32.

    Where memory runs out, fewer passes are made at once.

    Args:
        network: in evaluation mode, on the window's device.
        image: (channel, x, y, z), at least as large as a tile, on the same device.
        starts: of the tiles.
        window: how to run.
    """
    flips = flip_sets(window.flipped_axes())
    passes = [(start, flip) for start in starts for flip in flips]
    at_once, done = window.tiles_at_once, 0
    total: torch.Tensor | None = None
    while done < len(passes):
        chosen = passes[done : done + at_once]
        logits = _try_passes(network, image, chosen, window)
        if logits is None:
            release_memory()
            at_once = max(1, at_once // 2)
            continue
        report_passes(len(chosen), len(passes))
        done += len(chosen)
        for start, flip in chosen:
            one, logits = logits[0], logits[1:]
            # What a network returns may be a view of something of its own.
            one = one.flip([1 + axis for axis in flip]) if flip else one
            total = (one.float() if total is None else total + one) if len(flips) > 1 else one
            del one
            if flip == flips[-1]:
                mean, total = (total / len(flips) if len(flips) > 1 else total), None
                yield start, mean
                del mean  # while the next is made


@torch.inference_mode()
def _try_passes(
    network: nn.Module, image: torch.Tensor, chosen: Sequence[Pass], window: Window
) -> tuple[torch.Tensor, ...] | None:
    """Return the logits of some passes, as they come from the network; None where fewer may fit into memory."""
    try:
        return _call(network, torch.stack([_cut_flipped(image, one, window) for one in chosen]), window).unbind()
    except (RuntimeError, MemoryError) as error:
        if len(chosen) == 1 or not ran_out_of_memory(error):
            raise
        return None


def _cut_flipped(image: torch.Tensor, one: Pass, window: Window) -> torch.Tensor:
    start, flip = one
    tile = cut_seen(image, start, window.configuration)
    return tile.flip([1 + axis for axis in flip]) if flip else tile


def _call(network: nn.Module, tiles: torch.Tensor, window: Window) -> torch.Tensor:
    """Run a network on (tile, channel, x, y, z), dropping the sliced axis for a 2D one and putting it back."""
    slice_axis = window.configuration.slice_axis
    inputs = tiles.squeeze(2 + slice_axis) if slice_axis >= 0 else tiles
    low_precision = window.autocast != torch.float32
    with torch.autocast(window.device.type, dtype=window.autocast, enabled=low_precision):
        logits = cut_back(network(pad_behind(inputs, window.divisors))[0], inputs.shape[2:])
    return logits.unsqueeze(2 + slice_axis) if slice_axis >= 0 else logits
