"""Probabilities whose logits memory does not hold, kept as they go by: in 1/255 and compressed, for later readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from autoseg.prediction.memory import Memory
from autoseg.prediction.probabilities import Probabilities, Slab
from autoseg.prediction.quantised import quantise_slab, restore_slab

# What is kept at most of each network's probabilities, beside the sums of logits. Of a trained network they take a
# fiftieth of their size; noise, of which this is too little, is computed again when it is read.
MOST_BYTES = 128 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """Some neighbouring layers.

    Attributes:
        start: the first, counted from the first layer of the box.
        shape: (label or region, layers, y, z).
        packed: uint8 in 1/255, compressed.
    """

    start: int
    shape: tuple[int, int, int, int]
    packed: bytes

    def stop(self) -> int:
        """Return the layer behind the last one."""
        return self.start + self.shape[1]

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return those of its layers that lie in a range."""
        import blosc2

        values = np.frombuffer(blosc2.decompress2(self.packed), dtype=np.uint8).reshape(self.shape)
        return torch.from_numpy(values[:, max(start - self.start, 0) : stop - self.start].copy())


@dataclass(frozen=True, kw_only=True, slots=True)
class CompactLayers:
    """Probabilities in 1/255, compressed.

    Attributes:
        parts: that cover all layers, in ascending order.
        exclusive: whether labels compete, so that background has what they leave.
        device: to read to.
    """

    parts: tuple[_Part, ...]
    exclusive: bool
    device: torch.device

    @property
    def held(self) -> bool:
        """True."""
        return True

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the probabilities of some layers."""
        found = [part.read(start, stop) for part in self.parts if part.start < stop and start < part.stop()]
        return restore_slab(torch.cat(found, 1).to(self.device), exclusive=self.exclusive)


class Compactor:
    """Takes all slabs of probabilities in ascending order, and keeps them as long as there is memory for that.

    Args:
        probabilities: that the slabs are of.
        memory: that may be used.
    """

    def __init__(self, probabilities: Probabilities, memory: Memory) -> None:
        self._probabilities, self._memory = probabilities, memory
        self._parts: list[_Part] | None = []
        self._kept_bytes = 0
        self._device = torch.device("cpu")

    def see(self, slab: Slab) -> None:
        """Keep a slab."""
        if self._parts is None:
            return
        # It takes memory itself, and most scans do without it.
        import blosc2

        # Where an axis was not resampled, values may lie in memory in another order, which the library refuses.
        values = np.ascontiguousarray(quantise_slab(slab.values, self._probabilities.scheme.heads()))
        packed = blosc2.compress2(values, codec=blosc2.Codec.ZSTD, clevel=1, typesize=1, nthreads=1)
        self._kept_bytes += len(packed)
        if self._kept_bytes > MOST_BYTES or not self._memory.can_hold(len(packed), 0):
            self._parts = None
            return
        x, y, z = slab.box.shape()
        start = slab.box.start[0] - self._probabilities.box.start[0]
        self._parts.append(_Part(start=start, shape=(len(values), x, y, z), packed=packed))
        self._device = slab.values.device

    def finish(self) -> Probabilities:
        """Return the probabilities from what was kept; where that was too much, as they were."""
        if self._parts is None:
            return self._probabilities
        exclusive = self._probabilities.scheme.heads().exclusive
        layers = CompactLayers(parts=tuple(self._parts), exclusive=exclusive, device=self._device)
        return replace(self._probabilities, layers=layers)


class MembersCompactor:
    """Keeps the mean of networks and each network's own probabilities while slabs of the mean go by.

    Args:
        mean: of the networks.
        members: each network's own, or only the mean.
        memory: that may be used.
    """

    def __init__(self, mean: Probabilities, members: Sequence[Probabilities], memory: Memory) -> None:
        self._mean = Compactor(mean, memory)
        several = members if len(members) > 1 else ()
        self._members = [(member, Compactor(member, memory)) for member in several]

    def see(self, slab: Slab) -> None:
        """Keep a slab of the mean, and of each member the same layers."""
        self._mean.see(slab)
        for member, compactor in self._members:
            first, last = max(slab.box.start[0], member.box.start[0]), min(slab.box.stop[0], member.box.stop[0])
            if first < last:
                compactor.see(member.read(first, last))

    def finish(self) -> tuple[Probabilities, tuple[Probabilities, ...]]:
        """Return the mean and the members."""
        mean = self._mean.finish()
        return mean, tuple(compactor.finish() for _, compactor in self._members) or (mean,)
