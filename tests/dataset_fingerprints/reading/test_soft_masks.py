"""Masks whose foreground is not 1, and the labels that such a mask must not be taken for."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.soft_masks import binarise
from tests.synthetic.atlas_trees import lesion_of, residue_of

LESION = lesion_of(3)


@pytest.mark.parametrize(
    "voxels",
    [
        LESION,
        LESION.astype(np.uint8),
        LESION * 0.9999999998,
        LESION * 254.99999994,
        LESION * np.float32(0.0039),
        LESION * 255 - 1e-7,
        residue_of(LESION),
        np.where(LESION, 1.0, np.nan),
        np.where(LESION, 4.0, 0.0).astype(np.int16),
        np.where(LESION, 1.0, -3e-4),
    ],
)
def test_the_foreground_is_what_is_above_half_of_its_value(voxels):
    assert np.array_equal(binarise(voxels, "x"), LESION)


def test_one_stray_voxel_does_not_set_the_value():
    voxels = LESION * 1.0
    voxels[0, 0, 0] = 1000.0

    assert np.array_equal(binarise(voxels, "x"), LESION | (voxels == 1000))


@pytest.mark.parametrize("value", [0.0, 1e-7, -1.0])
def test_nothing_above_zero_is_an_empty_mask(value):
    assert not binarise(np.full((4, 4, 4), value), "x").any()


def test_several_labels_are_refused_by_name():
    with pytest.raises(DataError, match=r"lesions.nii.gz: holds the labels 1, 2"):
        binarise(np.arange(8).reshape(2, 2, 2) % 3, "lesions.nii.gz")
