"""Masks of other configurations that the network sees beside the image, split into components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

MOST_COMPONENTS = np.iinfo(np.int16).max


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShownMask:
    """The components of one mask of a case, numbered from 1; the network sees a channel per label or region.

    Attributes:
        members: (component + 1, target) whether a component belongs to a label or region; no entry of row 0 does.
        sizes: voxels of each component, from row 0, which is 0.
        boxes: (component + 1, 2, 3) first voxel of each component and the one behind its last.
    """

    members: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    boxes: NDArray[np.int64]


def split_mask(indices: NDArray[np.uint8], targets: Sequence[tuple[int, ...]]) -> tuple[NDArray[np.int16], ShownMask]:
    """Split a label map of another configuration into components (26-connectivity), label by label.

    Args:
        indices: (x, y, z) label indices on the case's array.
        targets: per label or region, the indices that it holds (`Heads.targets`).

    Returns:
        (x, y, z) the number of each voxel's component or 0, and what is known of the components.
    """
    components = np.zeros(indices.shape, dtype=np.int64)
    owners = [0]
    for index in np.flatnonzero(np.bincount(indices.ravel(), minlength=1)):
        if index:
            numbered, count = scipy.ndimage.label(indices == index, np.ones((3, 3, 3)))
            components[numbered > 0] = numbered[numbered > 0] + len(owners) - 1
            owners += [int(index)] * count
    # A mask of more specks than fit the number type keeps the first ones apart and loses the others.
    components[components > MOST_COMPONENTS] = 0
    owners = owners[: MOST_COMPONENTS + 1]
    boxes = np.zeros((len(owners), 2, 3), dtype=np.int64)
    for number, slices in enumerate(scipy.ndimage.find_objects(components, len(owners) - 1), start=1):
        boxes[number] = [[axis.start for axis in slices], [axis.stop for axis in slices]]
    sizes = np.bincount(components.ravel(), minlength=len(owners))
    sizes[0] = 0
    known = ShownMask(
        members=np.array([[owner in target for target in targets] for owner in owners]),
        sizes=sizes,
        boxes=boxes,
    )
    return components.astype(np.int16), known
