"""Several masks of one scan as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.alignment import same_place
from dataset_fingerprints.reading.images import Image, read_label_map
from dataset_fingerprints.reading.soft_masks import binarise


def merge_masks(paths: Sequence[Path]) -> tuple[NDArray[np.bool_], Image]:
    """Return the union of masks of one scan, and the first of them as it was read.

    Returns:
        (x, y, z) in canonical RAS+ axes; and the image with the grid and header to write it with.

    Raises:
        DataError: a mask cannot be read, is none, or lies on another grid than the first.
    """
    first = read_label_map(paths[0])
    merged = binarise(first.voxels[0], str(paths[0]))
    for path in paths[1:]:
        other = read_label_map(path)
        if not same_place(first.grid(), other.grid()):
            raise DataError(
                f"{path}: lies on another grid than {paths[0].name} (shape {_shape(other)} and {_shape(first)}). "
                "Resample it onto that one."
            )
        merged = merged | binarise(other.voxels[0], str(path))
    return merged, first


def _shape(image: Image) -> str:
    return "x".join(map(str, image.grid().shape))
