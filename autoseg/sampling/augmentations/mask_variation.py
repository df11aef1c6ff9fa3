"""Variation of other configurations' masks: cut with the patch, and changed in the ways that masks are wrong.

A network misses whole lesions, invents others, and draws them too large or too small; one that only saw the best masks
of another would trust them too much (Isensee 2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F

from autoseg.sampling.augmentations.rows import to_device
from autoseg.sampling.cases.shown_masks import ShownMask
from dataset_fingerprints.geometry import Triple

Change = Literal["dilate", "erode", "open", "close"]
CHANGES: tuple[Change, ...] = ("dilate", "erode", "open", "close")


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskVariation:
    """Variation of one patch's mask.

    Attributes:
        dropped: components that are left out.
        changes: per label or region, how its outline moves and by how many voxels; None where it stays.
    """

    dropped: tuple[int, ...] = ()
    changes: tuple[tuple[Change, int] | None, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskRanges:
    """Ranges that `sample_variation` draws from; the defaults change nothing.

    Attributes:
        change_probability: that outlines of a patch move, and then those of each label with `label_probability`.
        most_voxels: the largest distance that an outline moves.
        drop_probability: that a component is left out.
        drop_share: components that fill more of the patch are never left out.
    """

    change_probability: float = 0.0
    label_probability: float = 0.5
    most_voxels: int = 8
    drop_probability: float = 0.0
    drop_share: float = 0.15


def sample_variation(
    rng: np.random.Generator, mask: ShownMask, start: Triple, patch_shape: Triple, ranges: MaskRanges
) -> MaskVariation:
    """Draw how the mask of a patch is varied: one component of those in the patch left out, outlines moved."""
    dropped: tuple[int, ...] = ()
    if rng.random() < ranges.drop_probability:
        first, last = np.array(start), np.array(start) + patch_shape
        inside = (mask.boxes[:, 0] < last).all(axis=1) & (mask.boxes[:, 1] > first).all(axis=1)
        small = (mask.sizes > 0) & (mask.sizes <= ranges.drop_share * math.prod(patch_shape))
        candidates = np.flatnonzero(inside & small)
        dropped = (int(rng.choice(candidates)),) if len(candidates) else ()
    changes: tuple[tuple[Change, int] | None, ...] = ()
    if rng.random() < ranges.change_probability:
        changes = tuple(_sample_change(rng, ranges) for _ in range(mask.members.shape[1]))
    return MaskVariation(dropped=dropped, changes=changes)


def apply_variations(
    components: torch.Tensor, masks: Sequence[ShownMask], variations: Sequence[MaskVariation]
) -> torch.Tensor:
    """Return one mask as a batch's network sees it, a channel per label or region; the host never waits.

    Args:
        components: (batch, x, y, z) their numbers, cut out of each sample's mask.
        masks: each sample's.
        variations: each sample's.

    Returns:
        (batch, target, x, y, z) float32, 0 or 1.
    """
    shown = []
    for numbers, mask, variation in zip(components, masks, variations, strict=True):
        members = mask.members.copy()
        members[list(variation.dropped)] = False
        table = to_device(members.astype(np.float32), numbers.device)
        channels = table[numbers.long()].movedim(-1, 0)
        for target, change in enumerate(variation.changes):
            if change is not None:
                channels[target] = _move_outline(channels[target], *change)
        shown.append(channels)
    return torch.stack(shown)


def _sample_change(rng: np.random.Generator, ranges: MaskRanges) -> tuple[Change, int] | None:
    if rng.random() >= ranges.label_probability:
        return None
    return CHANGES[int(rng.integers(len(CHANGES)))], int(rng.integers(1, ranges.most_voxels + 1))


def _move_outline(mask: torch.Tensor, change: Change, voxels: int) -> torch.Tensor:
    """Change a mask (x, y, z) by nearly a ball of this radius; beyond the border everything goes on as it is."""
    if change == "dilate":
        return _dilate(mask, voxels)
    if change == "erode":
        return 1 - _dilate(1 - mask, voxels)
    if change == "open":
        return _dilate(1 - _dilate(1 - mask, voxels), voxels)
    return 1 - _dilate(1 - _dilate(mask, voxels), voxels)


def _dilate(mask: torch.Tensor, voxels: int) -> torch.Tensor:
    """Grow a mask voxel by voxel, by faces and by corners in turns: together an octagon, close to a ball."""
    grown = mask[None, None]
    thin = [0 if length == 1 else 1 for length in mask.shape]
    for step in range(voxels):
        if step % 2:
            grown = F.max_pool3d(grown, [1 + 2 * pad for pad in thin], stride=1, padding=thin)
            continue
        along = []
        for axis, pad in enumerate(thin):
            padding = [pad if other == axis else 0 for other in range(3)]
            along.append(F.max_pool3d(grown, [1 + 2 * margin for margin in padding], stride=1, padding=padding))
        grown = torch.stack(along).amax(0)
    return grown[0, 0]
