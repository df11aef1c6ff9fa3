"""Probabilities that every predictor gives: on the scan's own grid, read slab by slab.

The labels of a whole scan are never all in memory at full size: a slab is computed when it is read, and again when it
is read again. Where memory is short, so are the logits behind it: whoever reads mean and members, reads them side by
side, in ascending order, and once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch

from dataset_fingerprints.dataset import Heads, LabelScheme
from dataset_fingerprints.geometry import Box, Grid
from dataset_fingerprints.measuring.scans import Scan

# Values of one slab, all outputs together.
SLAB_VALUES = 4_000_000


class Layers(Protocol):
    """The source of the probabilities inside a box."""

    @property
    def held(self) -> bool:
        """Whether reading them again costs little; else networks look at the scan again."""
        ...

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the float32 probabilities (output, stop - start, y, z) of layers along the first axis.

        Args:
            start: counted from the first layer of the box.
            stop: the layer behind the last one.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Slab:
    """Probabilities of some neighbouring layers.

    Attributes:
        box: in the scan's canonical grid.
        values: (output, x, y, z) float32 inside the box, with background where labels compete (`Heads.exclusive`).
    """

    box: Box
    values: torch.Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Fallback:
    """A stage that looked at a whole scan because there was nothing to crop to.

    Attributes:
        configuration: that looked at the whole scan.
        source: the configuration that found nothing, or nothing where the others found something.
    """

    configuration: str
    source: str

    def describe(self) -> str:
        """Return what happened in a sentence."""
        return f"{self.source} found nothing to crop to, so {self.configuration} looked at the whole scan."


@dataclass(frozen=True, kw_only=True, slots=True)
class Probabilities:
    """The probabilities of a scan's labels or regions; outside the box everything is background.

    Attributes:
        source_grid: of the scan's file.
        box: in the scan's canonical grid.
        layers: the probabilities inside the box; values lie in 0..1 and, where labels compete, sum to 1.
        fallbacks: the stages that had to look at the whole scan.
    """

    scheme: LabelScheme
    source_grid: Grid
    box: Box
    layers: Layers
    fallbacks: tuple[Fallback, ...] = ()

    def read(self, start: int, stop: int) -> Slab:
        """Return the slab from layer `start` up to, not including, `stop` of the canonical grid's first axis.

        Raises:
            ValueError: the range is not inside the box.
        """
        if not self.box.start[0] <= start < stop <= self.box.stop[0]:
            raise ValueError(f"layers {start} to {stop} are not inside {self.box.start[0]} to {self.box.stop[0]}")
        (_, y, z), (_, y_stop, z_stop) = self.box.start, self.box.stop
        values = self.layers.read(start - self.box.start[0], stop - self.box.start[0])
        return Slab(box=Box(start=(start, y, z), stop=(stop, y_stop, z_stop)), values=values)

    def read_box(self, box: Box) -> torch.Tensor:
        """Return the probabilities (output, x, y, z) in any box of the canonical grid, background outside the own."""
        first, last = max(box.start[0], self.box.start[0]), min(box.stop[0], self.box.stop[0])
        slab = self.read(first, last) if first < last else None
        if slab is not None and slab.box == box:
            return slab.values
        heads = self.scheme.heads()
        values = torch.zeros((heads.count(), *box.shape()), device=None if slab is None else slab.values.device)
        if heads.exclusive:
            values[0] = 1
        if slab is not None:
            both = slab.box.overlap(box)
            if both is not None:
                inside = (slice(None), *both.relative_to(slab.box).slices())
                values[(slice(None), *both.relative_to(box).slices())] = slab.values[inside]
        return values

    def slabs(self, start: int | None = None, stop: int | None = None, thickness: int | None = None) -> Iterator[Slab]:
        """Yield slabs that cover the box, or a range of its layers, each layer once.

        Args:
            start: the first layer in the canonical grid; None for the box's first.
            stop: the layer behind the last one; None for the box's end.
            thickness: of a slab in layers; None for some 4 million values.
        """
        _, y, z = self.box.shape()
        thickness = thickness or max(1, SLAB_VALUES // (y * z * self.scheme.heads().count()))
        stop = self.box.stop[0] if stop is None else stop
        for first in range(self.box.start[0] if start is None else start, stop, thickness):
            yield self.read(first, min(first + thickness, stop))


class Predictor(Protocol):
    """Anything that turns a scan into probabilities."""

    def predict(self, scan: Scan) -> Probabilities:
        """Return the probabilities of a scan's labels or regions on its own grid."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredLayers:
    """Probabilities that are in memory.

    Attributes:
        values: (output, x, y, z) float32.
    """

    values: torch.Tensor

    @property
    def held(self) -> bool:
        """True."""
        return True

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the probabilities of some layers."""
        return self.values[:, start:stop]


def select_targets(values: torch.Tensor, heads: Heads) -> torch.Tensor:
    """Return the outputs that are looked for: all but background, which is there only where labels compete."""
    return values[1:] if heads.exclusive else values
