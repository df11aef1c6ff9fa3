"""The shape of patches and their places, and how one is copied out of a case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import EllipsisType

import torch

from dataset_fingerprints.geometry import Triple

Flips = tuple[bool, bool, bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchGeometry:
    """The shape of a batch.

    Attributes:
        patch_shape: (x, y, z) in voxels; 1 along the sliced axis.
        slice_axis: the axis that a 2D network does not see, or -1 in 3D.
        batch_size: patches of a batch.
        neighbours: slices on either side of a patch that a 2D network sees as well.
    """

    patch_shape: Triple
    slice_axis: int
    batch_size: int
    neighbours: int = 0

    def seen_shape(self) -> Triple:
        """Return the shape of a patch with its neighbouring slices."""
        x, y, z = self.patch_shape
        lengths = [x, y, z]
        if self.neighbours:
            lengths[self.slice_axis] += 2 * self.neighbours
        return (lengths[0], lengths[1], lengths[2])

    def see(self, patch: Patch) -> Patch:
        """Return a patch with its neighbouring slices."""
        start = list(patch.start)
        if self.neighbours:
            start[self.slice_axis] -= self.neighbours
        return replace(patch, start=(start[0], start[1], start[2]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """The place of one patch.

    Attributes:
        case: position in the sequence of training cases.
        start: the patch's first voxel; negative where the patch reaches out of the case.
        target: the position, from 1, of the label or region that the patch was placed on, or 0.
    """

    case: int
    start: Triple
    target: int


def copy_box(source: torch.Tensor, start: Triple, flips: Flips, target: torch.Tensor) -> None:
    """Fill `target` with the box of `source` that begins at `start`; voxels outside of the source stay as they are.

    Args:
        source: (..., x, y, z).
        start: may be negative.
        flips: the axes along which the box is mirrored.
        target: (..., x, y, z), cast to its own type.
    """
    taken: list[slice | EllipsisType] = [...]
    filled: list[slice | EllipsisType] = [...]
    for axis, shift in enumerate(start):
        edge = target.shape[axis - 3]
        first, last = max(shift, 0), min(shift + edge, source.shape[axis - 3])
        if first >= last:
            return
        taken.append(slice(first, last))
        mirrored = (shift + edge - last, shift + edge - first)
        filled.append(slice(*mirrored) if flips[axis] else slice(first - shift, last - shift))
    box = source[tuple(taken)]
    axes = [axis - 3 for axis in range(3) if flips[axis]]
    target[tuple(filled)].copy_(box.flip(axes) if axes else box, non_blocking=True)
