"""What is tried where memory runs out: smaller tiles, then the CPU; smaller batches are tried before, in `passes`."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

from autoseg.hardware import autocast_type, ran_out_of_memory, release_memory
from autoseg.prediction.sliding.tiles import Window
from autoseg.prediction.sliding.views import slide_views
from autoseg.prediction.sliding.window import Block
from autoseg.preprocessing import View
from dataset_fingerprints.geometry import Triple, show_lengths
from planners.choices import resolve
from planners.parts import NETWORKS
from planners.plan import Configuration

# The shortest edge that a tile is made smaller to, in voxels: a network sees too little in less.
LEAST_EDGE = 16

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sliding:
    """A network and an image to slide it over.

    Attributes:
        network: in evaluation mode, on the window's device.
        image: (channel, x, y, z), on any device.
        window: how to run.
        body: (x, y, z), of any resolution, False where the image is background; None where none was proven.
        views: that the image is divided into; empty for one view of all of it.
    """

    network: nn.Module
    image: torch.Tensor
    window: Window
    body: torch.Tensor | None = None
    views: tuple[View, ...] = ()

    def shape(self) -> Triple:
        """Return the image's shape."""
        return (self.image.shape[1], self.image.shape[2], self.image.shape[3])

    def slide(self, first: int = 0) -> Iterator[Block]:
        """Yield the logits from a layer on, each layer once; see `slide_views`.

        Where memory runs out, the layers that are left are predicted in smaller tiles, at last by the CPU.
        """
        reached = first
        for way in self._list_ways():
            try:
                for block in slide_views(way.network, way.image, way.window, way.views, way.body, reached):
                    reached = block.stop()
                    yield block
                    del block  # while the next is made
                return
            except (RuntimeError, MemoryError) as error:
                if not ran_out_of_memory(error):
                    raise
                failure = str(error)
            release_memory()
        raise MemoryError(failure)

    def _list_ways(self) -> Iterator[Sliding]:
        """Yield this one, then those that need less and less memory."""
        yield self
        way = self
        smaller = halve_tiles(way.window.configuration)
        while smaller is not None:
            way = replace(way, window=replace(way.window, configuration=smaller))
            _warn(smaller, self.window.configuration)
            yield way
            smaller = halve_tiles(smaller)
        if self.window.device.type != "cpu":
            _log.warning("The GPU's memory does not hold even that: the CPU predicts this scan, which takes longer.")
            yield self._on_cpu()

    def _on_cpu(self) -> Sliding:
        device = torch.device("cpu")
        autocast = torch.float32 if self.window.autocast == torch.float32 else autocast_type(device)
        window = replace(self.window, device=device, autocast=autocast, tiles_at_once=1)
        return replace(self, network=copy.deepcopy(self.network).to(device), window=window)


def halve_tiles(configuration: Configuration) -> Configuration | None:
    """Return a configuration with tiles of half the longest edge that can be halved; None where none can."""
    halved = [(configuration.patch_shape[axis], _halve(configuration, axis)) for axis in range(3)]
    possible = [(edge, smaller) for edge, smaller in halved if smaller is not None]
    return max(possible, key=lambda entry: entry[0])[1] if possible else None


def fit_tiles(window: Window, shape: Triple, left_bytes: float) -> Window:
    """Return a window whose sums fit into the memory that is left, by tiles with fewer layers, as far as they can be.

    Args:
        window: how to run.
        shape: of the image.
        left_bytes: the memory.
    """
    fitting = window
    while fitting.sums_bytes(shape) > left_bytes:
        smaller = _halve(fitting.configuration, 0)
        if smaller is None:
            break
        fitting = replace(fitting, configuration=smaller)
    if fitting is not window:
        _warn(fitting.configuration, window.configuration)
    return fitting


def _halve(configuration: Configuration, axis: int) -> Configuration | None:
    """Return a configuration with about half the edge along an axis, as its network takes it; None where it cannot."""
    divisors = iter(resolve(configuration.network, NETWORKS, "network").divisors())
    by_axis = [1 if one == configuration.slice_axis else next(divisors) for one in range(3)]
    edges = list(configuration.patch_shape)
    edges[axis] = edges[axis] // 2 // by_axis[axis] * by_axis[axis]
    if edges[axis] < LEAST_EDGE:
        return None
    return replace(configuration, patch_shape=(edges[0], edges[1], edges[2]))


def _warn(smaller: Configuration, planned: Configuration) -> None:
    _log.warning(
        "There is not enough memory: the network looks at %s voxels at once instead of %s. The mask may differ a "
        "little.",
        show_lengths(smaller.patch_shape),
        show_lengths(planned.patch_shape),
    )
