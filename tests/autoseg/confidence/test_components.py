from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from autoseg.confidence import components, measure_signs, signs
from autoseg.confidence.components import find_components, find_components_of
from tests.autoseg.confidence.builders import lesion_probabilities, segment
from tests.synthetic.heads import plain_scheme, region_scheme


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 9), (8, 5, 1), (9, 8, 7)])
@pytest.mark.parametrize("counted", [1, 1_000_000])
def test_components_of_each_label_are_those_of_its_own_mask_in_the_same_order(shape, counted, monkeypatch):
    monkeypatch.setattr(components, "_COUNTED", counted)
    rng = np.random.default_rng(sum(shape))
    labels = rng.choice([0, 0, 4, 9], shape).astype(np.int16)
    (found,) = find_components_of(labels, [(9,), (4,)])
    for position, value in enumerate((9, 4)):
        expected, count = ndimage.label(labels == value, np.ones((3, 3, 3)))
        own = found.of(position)
        assert len(own) == count
        assert found.sizes[own].tolist() == np.bincount(expected.ravel(), minlength=count + 1)[1:].tolist()
        for number, mine in enumerate(own, start=1):
            inside = expected[found.box.slices()] == number
            assert np.array_equal(found.numbers == mine, inside)
    assert found.sizes.sum() == np.count_nonzero(labels)


def test_the_largest_components_come_first_and_of_equal_ones_the_first_found():
    labels = np.zeros((9, 3, 3), dtype=np.uint8)
    labels[0, 0, 0] = labels[2, 2, :2] = labels[4, 0, :2] = labels[6] = 1
    (found,) = find_components_of(labels, [(1,)])
    assert found.sizes[found.largest(0, 3)].tolist() == [9, 2, 2]
    first, second = (np.argwhere(found.numbers == number)[0, 0] for number in found.largest(0, 3)[1:])
    assert (first, second) == (2, 4)


def test_regions_that_overlap_have_components_of_their_own():
    labels = np.zeros((5, 4, 3), dtype=np.uint8)
    labels[1:3], labels[4, 0, 0] = 1, 2
    apart = find_components(labels, region_scheme())
    assert len(apart) == 2
    assert [one.targets for one in apart] == [(0,), (1,)]
    assert len(find_components(labels, plain_scheme(2))) == 1


def test_an_empty_mask_has_no_component():
    (found,) = find_components_of(np.zeros((4, 4, 4), dtype=np.uint8), [(1,), (2,)])
    assert found.sizes.tolist() == [0]
    assert [len(found.of(position)) for position in (0, 1)] == [0, 0]


def test_noise_is_assessed_without_arrays_of_eight_bytes_per_voxel(monkeypatch):
    monkeypatch.setattr(signs, "SLAB_VALUES", 20_000)
    monkeypatch.setattr(components, "_COUNTED", 10_000)
    shape = (128, 64, 64)
    values = np.random.default_rng(0).random((1, *shape), dtype=np.float32)
    segmented = segment([lesion_probabilities(values)])
    tracemalloc.start()
    try:
        (found,) = measure_signs(segmented)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.voxels > 0.4 * values.size
    # The numbers of components (4), the mask (1), the labels that are looked at (1), and slabs.
    assert peak < 8 * values.size
