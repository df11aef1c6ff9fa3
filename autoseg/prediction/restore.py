"""Change of logits on the preprocessed array into probabilities on the scan's own grid, slab by slab."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from autoseg.hardware import free_memory_gb
from autoseg.prediction.inputs import NetworkInput
from autoseg.prediction.probabilities import Probabilities
from autoseg.preprocessing import centres_inside, resampling_matrix
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.sizes import GIB

# Logits that take more than this share of the free memory are held in half precision.
HELD_SHARE = 0.25
# Half precision goes up to 65,504; probabilities are 0 or 1 long before.
_LARGEST_HALF = 6e4


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoredLayers:
    """Probabilities that are restored from logits whenever they are read.

    Attributes:
        logits: (output, x, y, z) on the part of the preprocessed array that the network looked at, on the CPU.
        matrices: per axis (scan, logits), linear; None for an axis that keeps its voxels.
        exclusive: whether outputs compete (softmax) or each decides for itself (sigmoid).
        device: to compute on.
    """

    logits: torch.Tensor
    matrices: tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]
    exclusive: bool
    device: torch.device

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the probabilities of some layers, on the device."""
        along_x, along_y, along_z = self.matrices
        if along_x is None:
            slab = self._load(start, stop)
        else:
            rows = along_x[start:stop]
            used = rows.any(0).nonzero()
            first, last = int(used[0]), int(used[-1]) + 1
            slab = torch.einsum("sx,kxyz->ksyz", rows[:, first:last].to(self.device), self._load(first, last))
        if along_y is not None:
            slab = torch.einsum("ty,ksyz->kstz", along_y.to(self.device), slab)
        if along_z is not None:
            slab = slab @ along_z.to(self.device).T
        return slab.softmax(0) if self.exclusive else slab.sigmoid()

    def _load(self, first: int, last: int) -> torch.Tensor:
        return self.logits[:, first:last].to(self.device, torch.float32)


def restore(logits: torch.Tensor, seen: NetworkInput, scheme: LabelScheme) -> Probabilities:
    """Return the probabilities that logits stand for, on the scan's own grid.

    Args:
        logits: (output, x, y, z) of what the network saw; their device is the one to compute on.
        seen: by the network.
        scheme: what the outputs stand for.
    """
    record, crop = seen.record, seen.crop
    box = centres_inside(crop, record)
    axes = zip(record.shape, record.box.shape(), crop.slices(), box.relative_to(record.box).slices(), strict=True)
    x, y, z = (
        None if length == target else _matrix(length, target, columns, rows) for length, target, columns, rows in axes
    )
    layers = RestoredLayers(
        logits=hold_logits(logits), matrices=(x, y, z), exclusive=scheme.heads().exclusive, device=logits.device
    )
    return Probabilities(
        scheme=scheme, source_grid=record.source_grid, box=box, layers=layers, fallbacks=seen.fallbacks
    )


def hold_logits(logits: torch.Tensor) -> torch.Tensor:
    """Return logits on the CPU: as they are, or in half precision where they take much of the free memory."""
    if logits.nbytes > HELD_SHARE * free_memory_gb() * GIB:
        logits = logits.clamp(-_LARGEST_HALF, _LARGEST_HALF).half()
    return logits.cpu()


def _matrix(length: int, target: int, columns: slice, rows: slice) -> torch.Tensor:
    """Return the rows and columns of a crop; rows at its border weigh what is left of them up to 1."""
    matrix = torch.from_numpy(resampling_matrix(length, target, "linear").toarray())
    inside = matrix[rows, columns]
    whole = matrix[rows].sum(1, keepdim=True)
    left = inside.sum(1, keepdim=True)
    return torch.where(left < whole, inside / left, inside)
