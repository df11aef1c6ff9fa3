"""Change of logits on the preprocessed array into probabilities on the scan's own grid, slab by slab."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from autoseg.prediction.inputs import NetworkInput
from autoseg.prediction.probabilities import Probabilities
from autoseg.prediction.sliding.logits import Logits
from autoseg.preprocessing import centres_inside, resampling_matrix
from autoseg.preprocessing.resampling import Kind
from dataset_fingerprints.dataset import LabelScheme


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoredLayers:
    """Probabilities that are restored from logits whenever they are read.

    Attributes:
        logits: of what the network looked at.
        matrices: per axis (scan, logits); None for an axis that keeps its voxels.
        exclusive: whether outputs compete (softmax) or each decides for itself (sigmoid).
    """

    logits: Logits
    matrices: tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]
    exclusive: bool

    @property
    def held(self) -> bool:
        """Whether reading them again costs little."""
        return self.logits.held

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Return the probabilities of some layers, on the device of the logits."""
        along_x, along_y, along_z = self.matrices
        device = self.logits.device
        if along_x is None:
            slab = self.logits.read(start, stop)
        else:
            rows = along_x[start:stop]
            used = rows.any(0).nonzero()
            first, last = int(used[0]), int(used[-1]) + 1
            slab = torch.einsum("sx,kxyz->ksyz", rows[:, first:last].to(device), self.logits.read(first, last))
        if along_y is not None:
            slab = torch.einsum("ty,ksyz->kstz", along_y.to(device), slab)
        if along_z is not None:
            slab = slab @ along_z.to(device).T
        return slab.softmax(0) if self.exclusive else slab.sigmoid()


def restore(logits: Logits, seen: NetworkInput, scheme: LabelScheme) -> Probabilities:
    """Return the probabilities that logits stand for, on the scan's own grid.

    Args:
        logits: of what the network saw.
        seen: by the network.
        scheme: what the outputs stand for.
    """
    record, crop = seen.record, seen.crop
    box = centres_inside(crop, record)
    places = zip(crop.slices(), box.relative_to(record.box).slices(), strict=True)
    axes = zip(record.shape, record.box.shape(), seen.back, places, strict=True)
    x, y, z = (
        None if length == target else _matrix(length, target, kind, place) for length, target, kind, place in axes
    )
    layers = RestoredLayers(logits=logits, matrices=(x, y, z), exclusive=scheme.heads().exclusive)
    return Probabilities(
        scheme=scheme, source_grid=record.source_grid, box=box, layers=layers, fallbacks=seen.fallbacks
    )


def _matrix(length: int, target: int, kind: Kind, place: tuple[slice, slice]) -> torch.Tensor:
    """Return the columns and rows of a crop; beyond its border, its outermost voxels go on."""
    columns, rows = place
    matrix = torch.from_numpy(resampling_matrix(length, target, kind).toarray())[rows]
    inside = matrix[:, columns].clone()
    inside[:, 0] += matrix[:, : columns.start].sum(1)
    inside[:, -1] += matrix[:, columns.stop :].sum(1)
    return inside
