from __future__ import annotations

import numpy as np

from autoseg.preprocessing import Record, add_mask, fit_mask
from autoseg.preprocessing.labels import resample_labels
from dataset_fingerprints.geometry import Box, Grid

BOX = Box(start=(2, 0, 1), stop=(20, 16, 13))
GRID = Grid(shape=(24, 18, 14), affine=tuple(tuple(float(i == j) for j in range(4)) for i in range(4)))


def record(shape: tuple[int, int, int]) -> Record:
    return Record(box=BOX, shape=shape, source_grid=GRID)


def ball() -> np.ndarray:
    x, y, z = np.indices(GRID.shape)
    return (((x - 11) ** 2 + (y - 8) ** 2 + (z - 7) ** 2) < 25).astype(np.uint8)


def test_a_mask_lands_where_the_scans_labels_land() -> None:
    inside = np.ascontiguousarray(ball()[BOX.slices()])
    np.testing.assert_array_equal(fit_mask(ball(), record((18, 16, 12)), 2), inside)
    np.testing.assert_array_equal(fit_mask(ball(), record((12, 11, 8)), 2), resample_labels(inside, (12, 11, 8), 2))


def test_an_empty_mask_stays_empty() -> None:
    assert not fit_mask(np.zeros(GRID.shape, dtype=np.uint8), record((12, 11, 8)), 2).any()


def test_masks_are_channels_behind_those_of_the_images() -> None:
    image = np.arange(2 * 8, dtype=np.float16).reshape(2, 2, 2, 2)
    indices = np.array([[[0, 1], [2, 1]], [[0, 0], [2, 2]]], dtype=np.uint8)
    stacked = add_mask(image, indices, ((1, 2), (2,)))
    assert stacked.dtype == np.float32
    np.testing.assert_array_equal(stacked[:2], image)
    np.testing.assert_array_equal(stacked[2], indices > 0)
    np.testing.assert_array_equal(stacked[3], indices == 2)
