"""Sliding over the views of a preprocessed scan: all of it at once, or its halves one by one, put together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import nn

from autoseg.prediction.sliding.tiles import Window, find_empty
from autoseg.prediction.sliding.window import Block, slide
from autoseg.preprocessing import View
from dataset_fingerprints.geometry import Triple


def predict_logits(network: nn.Module, image: torch.Tensor, window: Window, views: Sequence[View] = ()) -> torch.Tensor:
    """Return a network's mean logits over all flips, all layers at once; see `slide_views`.

    Returns:
        (output, x, y, z) float32 on the window's device.
    """
    result = torch.empty((window.outputs, *image.shape[1:]), device=window.device)
    for block in slide_views(network, image, window, views):
        result[:, block.start : block.stop()] = block.values
    return result


def slide_views(
    network: nn.Module,
    image: torch.Tensor,
    window: Window,
    views: Sequence[View] = (),
    body: torch.Tensor | None = None,
    first: int = 0,
) -> Iterator[Block]:
    """Yield a network's mean logits of an image from one layer of the first axis on, each layer once; see `slide`.

    No tile reaches out of a view; a mirrored view's tiles are mirrored for the network, and its logits turned back.

    Args:
        network: in evaluation mode, on the window's device.
        image: (channel, x, y, z), on any device.
        window: how to run.
        views: that the image is divided into along one axis, in order; empty for one view of all of it.
        body: (x, y, z), of any resolution, False where the image is background; None where none was proven.
        first: the first layer that is wanted.
    """
    shape: Triple = (image.shape[1], image.shape[2], image.shape[3])
    if not views:
        yield from slide(network, image, window, find_empty(window, shape, body), first)
        return
    starts = {view.box.start[0] for view in views}
    if len(starts) == len(views):
        for view in views:
            before, stop = view.box.start[0], view.box.stop[0]
            if first < stop:
                for block in _slide_view(network, image, window, view, body, max(0, first - before)):
                    yield Block(start=block.start + before, values=block.values)
        return
    axis = next(axis for axis in (1, 2) if len({view.box.start[axis] for view in views}) > 1)
    # Tiles of all of them begin and end at the same layers.
    beside = [_slide_view(network, image, window, view, body, first) for view in views]
    for blocks in zip(*beside, strict=True):
        # Sums of one half may lie on the GPU, and those of the other one not have fitted.
        place = blocks[0].values.device
        yield Block(start=blocks[0].start, values=torch.cat([block.values.to(place) for block in blocks], 1 + axis))
        del blocks  # while the next are made


def _slide_view(
    network: nn.Module, image: torch.Tensor, window: Window, view: View, body: torch.Tensor | None, first: int
) -> Iterator[Block]:
    shape: Triple = (image.shape[1], image.shape[2], image.shape[3])
    left_out = find_empty(window, shape, body, view.box)
    turned = () if view.mirrored < 0 else (view.mirrored,)
    seen = image[(slice(None), *view.box.slices())]
    return slide(network, seen, replace(window, turned=window.turn_more(turned)), left_out, first)
