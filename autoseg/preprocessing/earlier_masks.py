"""One stage's mask on the array of another one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autoseg.preprocessing.labels import resample_labels
from autoseg.preprocessing.nnunet import choose_steps, crop_to_nonzero, resample_mask
from autoseg.preprocessing.prepare import Record
from dataset_fingerprints.measuring.scans import Scan
from planners.plan import Preprocessing


def fit_mask(indices: NDArray[np.uint8], record: Record, count: int) -> NDArray[np.uint8]:
    """Crop and resample a mask as a scan's labels were.

    Args:
        indices: (x, y, z) label indices on the scan's whole canonical grid.
        record: of the scan's preprocessing.
        count: how many indices there are, background included.

    Returns:
        (x, y, z) label indices on the preprocessed array.
    """
    return resample_labels(np.ascontiguousarray(indices[record.box.slices()]), record.shape, count)


def fit_mask_as_nnunet(
    indices: NDArray[np.uint8], record: Record, scan: Scan, preprocessing: Preprocessing
) -> NDArray[np.uint8]:
    """Crop and resample a mask as nnU-Net does.

    Args:
        indices: (x, y, z) label indices on the scan's whole canonical grid.
        record: of the scan's preprocessing.
        scan: as it was read.
        preprocessing: with nnU-Net's rules.

    Returns:
        (x, y, z) label indices on the preprocessed array.
    """
    steps = choose_steps(record.box.shape(), record.source_grid, preprocessing)
    tissue = crop_to_nonzero(scan).body
    return resample_mask(np.ascontiguousarray(indices[record.box.slices()]), steps, tissue)


def add_mask(
    image: NDArray[np.floating], indices: NDArray[np.uint8], targets: Sequence[tuple[int, ...]]
) -> NDArray[np.float32]:
    """Return the channels that the other stage's network sees: the images', then one per label or region.

    Args:
        image: (channel, x, y, z), preprocessed.
        indices: (x, y, z) label indices of the mask, from `fit_mask`.
        targets: per label or region, the indices that it holds (`Heads.targets`).
    """
    masks = [np.isin(indices, target) for target in targets]
    return np.concatenate([image.astype(np.float32, copy=False), np.stack(masks).astype(np.float32)])
