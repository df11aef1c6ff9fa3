"""Logits of a preprocessed scan, read layer by layer along the first axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from autoseg.hardware import free_memory_gb
from dataset_fingerprints.sizes import GIB

# Logits that take more than this share of the free memory are held in half precision.
HELD_SHARE = 0.25
# Half precision goes up to 65,504; probabilities are 0 or 1 long before.
_LARGEST_HALF = 6e4


class Logits(Protocol):
    """Logits on the part of a preprocessed array that a network looked at."""

    @property
    def device(self) -> torch.device:
        """The device that they are read to."""
        ...

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the float32 logits (output, stop - start, y, z) of layers along the first axis, on the device."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldLogits:
    """Logits that are in memory.

    Attributes:
        values: (output, x, y, z), on the CPU.
        device: to read them to.
    """

    values: torch.Tensor
    device: torch.device

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the logits of some layers."""
        return self.values[:, start:stop].to(self.device, torch.float32)


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

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the mean logits of some layers."""
        (first, *others), (share, *shares) = self.members, self.shares
        total = first.read(start, stop) * share
        for member, share in zip(others, shares, strict=True):
            total.add_(member.read(start, stop).to(total.device), alpha=share)
        return total


def hold_logits(logits: torch.Tensor) -> HeldLogits:
    """Return logits on the CPU: as they are, or in half precision where they take much of the free memory."""
    device = logits.device
    if logits.nbytes > HELD_SHARE * free_memory_gb() * GIB:
        logits = logits.clamp(-_LARGEST_HALF, _LARGEST_HALF).half()
    return HeldLogits(values=logits.cpu(), device=device)
