"""The first stage's mask as input of a cascade's second stage: cut with the patch, and varied as masks err.

A first stage misses whole lesions, invents others, and draws them too large or too small; a network that only saw its
best masks would trust them too much (Isensee 2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.sampling.rows import to_device
from dataset_fingerprints.geometry import Triple

MOST_PARTS = np.iinfo(np.int16).max
Change = Literal["dilate", "erode", "open", "close"]
CHANGES: tuple[Change, ...] = ("dilate", "erode", "open", "close")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PreviousMask:
    """The components of one case's mask from the first stage, numbered from 1.

    Attributes:
        members: (part + 1, target) whether a component belongs to a label or region; no entry of row 0 does.
        sizes: voxels of each component, from row 0, which is 0.
        boxes: (part + 1, 2, 3) first voxel of each component and the one behind its last.
    """

    members: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    boxes: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskVariation:
    """How one patch's mask is varied.

    Attributes:
        dropped: components that are left out.
        changes: per label or region, how its outline moves and by how many voxels; None where it stays.
    """

    dropped: tuple[int, ...] = ()
    changes: tuple[tuple[Change, int] | None, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskRanges:
    """What `sample_variation` draws from; the defaults change nothing.

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


def split_mask(
    indices: NDArray[np.uint8], targets: Sequence[tuple[int, ...]]
) -> tuple[NDArray[np.int16], PreviousMask]:
    """Split a first stage's label map into components (26-connectivity), label by label.

    Args:
        indices: (x, y, z) label indices on the second stage's array.
        targets: per label or region, the indices that it holds (`Heads.targets`).

    Returns:
        (x, y, z) the number of each voxel's component or 0, and what is known of the components.
    """
    parts = np.zeros(indices.shape, dtype=np.int64)
    owners = [0]
    for index in np.flatnonzero(np.bincount(indices.ravel(), minlength=1)):
        if index:
            numbered, count = ndimage.label(indices == index, np.ones((3, 3, 3)))
            parts[numbered > 0] = numbered[numbered > 0] + len(owners) - 1
            owners += [int(index)] * count
    # A mask of more specks than fit the number type keeps the first ones apart and loses the others.
    parts[parts > MOST_PARTS] = 0
    owners = owners[: MOST_PARTS + 1]
    boxes = np.zeros((len(owners), 2, 3), dtype=np.int64)
    for number, slices in enumerate(ndimage.find_objects(parts, len(owners) - 1), start=1):
        boxes[number] = [[axis.start for axis in slices], [axis.stop for axis in slices]]
    sizes = np.bincount(parts.ravel(), minlength=len(owners))
    sizes[0] = 0
    known = PreviousMask(
        members=np.array([[owner in target for target in targets] for owner in owners]),
        sizes=sizes,
        boxes=boxes,
    )
    return parts.astype(np.int16), known


def sample_variation(
    rng: np.random.Generator, mask: PreviousMask, start: Triple, patch_shape: Triple, ranges: MaskRanges
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
    parts: torch.Tensor, masks: Sequence[PreviousMask], variations: Sequence[MaskVariation]
) -> torch.Tensor:
    """Return the masks that a batch's network sees, one channel per label or region; the host never waits.

    Args:
        parts: (batch, x, y, z) numbers of components, cut out of each sample's mask.
        masks: each sample's.
        variations: each sample's.

    Returns:
        (batch, target, x, y, z) float32, 0 or 1.
    """
    shown = []
    for numbers, mask, variation in zip(parts, masks, variations, strict=True):
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
