"""Several masks of one scan as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.alignment import same_place
from dataset_fingerprints.reading.images import Image, read_label_map
from dataset_fingerprints.reading.soft_masks import binarise, count_not_finite


def merge_masks(paths: Sequence[Path]) -> tuple[NDArray[np.bool_], Image, list[str]]:
    """Return the union of masks of one scan, the first of them as it was read, and what was odd.

    Returns:
        (x, y, z) in canonical RAS+ axes; the image with the grid and header to write it with; a sentence on every mask
        that holds NaN or infinity, which count as no lesion.

    Raises:
        DataError: a mask cannot be read, holds several labels, or lies on another grid than the first.
    """
    first = read_label_map(paths[0])
    merged = binarise(first.voxels[0], str(paths[0]))
    odd = _describe_holes(paths[0], first)
    for path in paths[1:]:
        other = read_label_map(path)
        if not same_place(first.grid(), other.grid()):
            raise DataError(
                f"{path}: lies on another grid than {paths[0].name} (shape {_shape(other)} and {_shape(first)}). "
                "Resample it onto that one."
            )
        merged = merged | binarise(other.voxels[0], str(path))
        odd += _describe_holes(path, other)
    return merged, first, odd


def _describe_holes(path: Path, mask: Image) -> list[str]:
    holes = count_not_finite(mask.voxels[0])
    return [f"{path.name} holds {counted(holes, 'voxel')} of NaN or infinity, taken as no lesion"] if holes else []


def _shape(image: Image) -> str:
    return "x".join(map(str, image.grid().shape))
