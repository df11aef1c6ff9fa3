from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from autoseg.postprocessing import find_components

STEPS = {6: 1, 18: 2, 26: 3}


@pytest.mark.parametrize("connectivity", STEPS)
def test_components_are_those_of_scipy_in_boxes_of_every_size(connectivity: int) -> None:
    rng = np.random.default_rng(0)
    structure = ndimage.generate_binary_structure(3, STEPS[connectivity])
    for _ in range(400):
        mask = rng.random(rng.integers(1, 9, 3)) < rng.random()
        mask = np.asfortranarray(mask) if rng.random() < 0.3 else mask
        expected, count = ndimage.label(mask, structure)
        found = find_components(mask, connectivity)
        assert found.numbers.shape == mask.shape
        assert np.array_equal(found.numbers > 0, mask)
        assert len(found.sizes) == count + 1
        # As many pairs of numbers as components: each is one of the other's.
        assert len(np.unique(np.stack([found.numbers[mask], expected[mask]]), axis=1).T) == count
        assert np.array_equal(np.bincount(found.numbers[mask], minlength=count + 1), found.sizes)


def test_two_voxels_in_a_tiny_box_are_two_components() -> None:
    mask = np.array([True, False, True]).reshape(3, 1, 1)
    assert find_components(mask, 26).sizes.tolist() == [0, 1, 1]


def test_an_empty_mask_has_no_component() -> None:
    found = find_components(np.zeros((3, 4, 5), dtype=bool), 26)
    assert found.sizes.tolist() == [0]
    assert not found.keep(np.array([True])).any()
