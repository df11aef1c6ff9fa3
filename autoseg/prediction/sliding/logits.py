"""Logits of a preprocessed scan, read layer by layer along the first axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch

from autoseg.hardware import give_freed_memory_back
from autoseg.prediction.sliding.window import Block


class Logits(Protocol):
    """Logits on the part of a preprocessed array that a network looked at."""

    @property
    def device(self) -> torch.device:
        """The device that they are read to."""
        ...

    @property
    def held(self) -> bool:
        """Whether they are in memory; else the network computes them when they are read, best in ascending order."""
        ...

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the float32 logits (output, stop - start, y, z) of layers along the first axis, on the device."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldLogits:
    """Logits that are in memory.

    Attributes:
        values: (output, x, y, z) float32, on any device.
        device: to read them to.
    """

    values: torch.Tensor
    device: torch.device

    @property
    def held(self) -> bool:
        """True."""
        return True

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the logits of some layers."""
        return self.values[:, start:stop].to(self.device)


class StreamedLogits:
    """Logits that the network computes when they are read; what lies before the layers that were read last is dropped.

    Read in ascending order, also several times the same layers, the network looks at the scan once. Going back to what
    was dropped makes it look again.

    Args:
        slide: yields the blocks of layers from a given one on.
        device: to read to.
    """

    def __init__(self, slide: Callable[[int], Iterator[Block]], device: torch.device) -> None:
        self.device = device
        self._slide = slide
        self._blocks: Iterator[Block] = iter(())
        self._kept: list[Block] = []
        self._reached = 0

    @property
    def held(self) -> bool:
        """False."""
        return False

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the logits of some layers."""
        if not self._kept or not self._kept[0].start <= start <= self._reached:
            self._kept, self._blocks, self._reached = [], self._slide(start), start
        if self._reached < stop:
            self._drop(start)
        while self._reached < stop:
            give_freed_memory_back()
            self._kept.append(next(self._blocks))
            self._reached = self._kept[-1].stop()
        parts = [block.cut(start, stop).to(self.device) for block in self._kept if block.overlaps(start, stop)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)

    def _drop(self, start: int) -> None:
        """Forget the layers in front of one: they would stay in memory while the network looks at the next tiles."""
        kept = [block for block in self._kept if block.stop() > start]
        if kept and kept[0].start < start:
            kept[0] = Block(start=start, values=kept[0].cut(start, kept[0].stop()).clone())
        self._kept = kept


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanLogits:
    """The mean of several networks' logits on the same array, computed when it is read.

    Attributes:
        members: at least one.
        shares: of the members, 1 in sum.
    """

    members: tuple[Logits, ...]
    shares: tuple[float, ...]

    @property
    def device(self) -> torch.device:
        """The device of the first member."""
        return self.members[0].device

    @property
    def held(self) -> bool:
        """Whether all members' logits are in memory."""
        return all(member.held for member in self.members)

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the mean logits of some layers."""
        (first, *others), (share, *shares) = self.members, self.shares
        total = first.read(start, stop) * share
        for member, share in zip(others, shares, strict=True):
            total.add_(member.read(start, stop).to(total.device), alpha=share)
        return total
