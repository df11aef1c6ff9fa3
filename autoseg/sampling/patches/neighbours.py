"""Slices beside that of a patch, which a 2D network sees as further channels."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from autoseg.sampling.augmentations.augmenter import Patches
from autoseg.sampling.cases.voxels import Cutout
from autoseg.sampling.patches.geometry import Patch, PatchGeometry
from planners.neighbours import list_offsets


def choose_slices(patch: Patch, cutout: Cutout, geometry: PatchGeometry) -> tuple[int, ...]:
    """Return the slices of a patch's cut that the network sees, in the order of its channels.

    Where they would lie beyond the case, its outermost slice takes their place.

    Args:
        patch: its own slice.
        cutout: what it was cut from, which ends where the case does.
        geometry: of the batch.
    """
    axis = geometry.slice_axis
    own, first = patch.start[axis], cutout.start[axis]
    last = first + cutout.maps[0].shape[axis] - 1
    seen = (min(max(own + offset, first), last) for offset in list_offsets(geometry.neighbours))
    return tuple(place - own + geometry.neighbours for place in seen)


def flatten_slices(values: torch.Tensor, slices: Sequence[Sequence[int]], axis: int) -> torch.Tensor:
    """Return slices side by side as channels: (batch, slice and channel, *axes).

    Args:
        values: (batch, channel, x, y, z).
        slices: of each sample, along the axis.
        axis: of x, y and z, from 0 on.
    """
    if all(len(chosen) == 1 for chosen in slices):
        return values.squeeze(2 + axis)
    rows = (
        torch.cat([sample.select(1 + axis, place) for place in chosen])
        for sample, chosen in zip(values, slices, strict=True)
    )
    return torch.stack(list(rows))


def join_channels(patches: Patches) -> torch.Tensor:
    """Return what the network sees: of each slice the channels of the images, then those of the masks."""
    if patches.masks is None:
        return patches.images
    if patches.slices == 1:
        return torch.cat([patches.images, patches.masks], dim=1)
    apart = [values.unflatten(1, (patches.slices, -1)) for values in (patches.images, patches.masks)]
    return torch.cat(apart, dim=2).flatten(1, 2)
