"""Contract of every entry of the table of post-processing, and the behaviour of each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from autoseg.postprocessing import BUILDERS, Found, LabelMap, postprocess
from dataset_fingerprints.dataset import Label, LabelScheme, Region
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.geometry import Box
from planners.choices import Choice
from planners.parts import POSTPROCESSING
from tests.synthetic.heads import plain_scheme, region_scheme

# What an entry needs said; a new one is tested by being listed.
REQUIRED = {
    "smallest_volume": {"volume_mm3": 3.0},
    "least_peak": {"probability": 0.7},
    "largest_component": {},
    "large_or_probable": {"volume_mm3": 3.0, "probability": 0.7},
    "fill_holes": {},
}
ADDING = ("fill_holes",)
REMOVING = tuple(name for name in POSTPROCESSING if name not in ADDING)
SHAPE = (9, 8, 7)


def find_peaks(components: NDArray[np.integer]) -> NDArray[np.float32]:
    """Say that every second component is probable."""
    return np.resize([0.5, 0.9], int(components.max()) + 1).astype(np.float32)


def found(mask: NDArray[np.bool_]) -> Found:
    return Found(mask=mask, voxel_mm3=1.0, find_peaks=find_peaks)


def label_map(indices: NDArray[np.uint8], scheme: LabelScheme) -> LabelMap:
    def peaks(target: int, box: Box, components: NDArray[np.integer]) -> NDArray[np.float32]:
        return find_peaks(components)

    return LabelMap(indices=indices, scheme=scheme, spacing_mm=(1.0, 2.0, 1.5), find_peaks=peaks)


@pytest.mark.parametrize("name", REMOVING)
@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_whole_components_of_the_mask_stay_and_nothing_is_added(name: str, connectivity: int) -> None:
    choice = Choice(name=name, options={**REQUIRED[name], "connectivity": connectivity})  # type: ignore[dict-item]
    options, step = BUILDERS.find(choice)
    rng = np.random.default_rng(0)
    for density in (0.0, 0.1, 0.3, 1.0):
        mask = rng.random(SHAPE) < density
        kept = step(options, found(mask))
        assert kept.dtype == bool
        assert not (kept & ~mask).any()
        if "probability" not in REQUIRED[name]:
            assert np.array_equal(step(options, found(kept)), kept)


@pytest.mark.parametrize("name", POSTPROCESSING)
def test_an_empty_map_stays_empty_and_other_labels_stay(name: str) -> None:
    rng = np.random.default_rng(1)
    indices = rng.integers(0, 3, SHAPE).astype(np.uint8)
    step = Choice(name=name, options={**REQUIRED[name], "label": "label 2"})
    after = postprocess(label_map(indices, plain_scheme(2)), (step,))
    assert np.array_equal(after == 1, indices == 1)
    assert set(np.unique(after[indices == 2])) <= {0, 2}
    assert set(np.unique(after[indices == 0])) <= ({0, 2} if name in ADDING else {0})
    empty = np.zeros(SHAPE, dtype=np.uint8)
    assert not postprocess(label_map(empty, plain_scheme(2)), (step,)).any()


def two_lesions() -> NDArray[np.uint8]:
    """Return a lesion with a core (2) inside of it, and a smaller one without."""
    indices = np.zeros(SHAPE, dtype=np.uint8)
    indices[1:5, 1:5, 1:5] = 1
    indices[2:4, 2:4, 2:4] = 2
    indices[7, 6, 5] = 1
    return indices


def test_volumes_are_in_cubic_millimetres() -> None:
    for volume, stays in ((3.0, True), (3.01, False)):
        step = Choice(name="smallest_volume", options={"volume_mm3": volume, "label": "label 1"})
        after = postprocess(label_map(two_lesions(), plain_scheme(2)), (step,))
        assert bool(after[7, 6, 5]) == stays


def test_a_region_that_is_taken_out_leaves_the_one_around_it() -> None:
    step = Choice(name="smallest_volume", options={"volume_mm3": 1000.0, "label": "core"})
    after = postprocess(label_map(two_lesions(), region_scheme()), (step,))
    assert np.array_equal(after, (two_lesions() > 0).astype(np.uint8))


def test_with_a_region_all_that_lies_in_it_is_taken_out() -> None:
    step = Choice(name="smallest_volume", options={"volume_mm3": 1000.0, "label": "whole"})
    assert not postprocess(label_map(two_lesions(), region_scheme()), (step,)).any()


def test_a_region_keeps_its_core_when_it_is_counted_as_one_component() -> None:
    step = Choice(name="largest_component", options={"label": "whole"})
    after = postprocess(label_map(two_lesions(), region_scheme()), (step,))
    expected = two_lesions()
    expected[7, 6, 5] = 0
    assert np.array_equal(after, expected)


def test_regions_beside_each_other_do_not_touch() -> None:
    left, right = Region(name="left", values=(1,)), Region(name="right", values=(2,))
    labels = (Label(name="a", value=1), Label(name="b", value=2))
    beside = replace(region_scheme(), labels=labels, regions=(left, right))
    step = Choice(name="smallest_volume", options={"volume_mm3": 1000.0, "label": "right"})
    after = postprocess(label_map(two_lesions(), beside), (step,))
    assert np.array_equal(after == 1, two_lesions() == 1)
    assert not (after == 2).any()


@pytest.mark.parametrize(
    ("volume", "probability", "stays"), [(3.0, 0.9, True), (3.1, 0.5, True), (3.1, 0.9, False), (3.0, 0.5, True)]
)
def test_a_component_stays_that_is_large_or_probable(volume: float, probability: float, stays: bool) -> None:
    indices = np.zeros(SHAPE, dtype=np.uint8)
    indices[7, 6, 5] = 1
    one = replace(
        label_map(indices, plain_scheme(1)),
        find_peaks=lambda target, box, components: np.array([0, 0.75], dtype=np.float32),
    )
    step = Choice(name="large_or_probable", options={"volume_mm3": volume, "probability": probability})
    assert bool(postprocess(one, (step,)).any()) == stays


def shell() -> NDArray[np.uint8]:
    """Return a hollow cube of label 1 with another label in the middle of its hole."""
    indices = np.zeros(SHAPE, dtype=np.uint8)
    indices[1:6, 1:6, 1:6] = 1
    indices[2:5, 2:5, 2:5] = 0
    indices[3, 3, 3] = 2
    return indices


def test_a_hole_is_filled_and_another_label_in_it_stays() -> None:
    after = postprocess(label_map(shell(), plain_scheme(2)), (Choice(name="fill_holes", options={"label": "label 1"}),))
    expected = shell()
    expected[2:5, 2:5, 2:5] = 1
    expected[3, 3, 3] = 2
    assert np.array_equal(after, expected)


def test_what_is_open_to_one_side_is_no_hole() -> None:
    indices = shell()
    indices[1, 3, 3] = 0
    after = postprocess(label_map(indices, plain_scheme(2)), (Choice(name="fill_holes", options={"label": "label 1"}),))
    assert np.array_equal(after, indices)


def test_a_ring_in_an_image_of_one_slice_has_a_hole_and_none_in_a_volume() -> None:
    ring = np.zeros((9, 8, 1), dtype=np.uint8)
    ring[1:6, 1:6] = 1
    ring[3, 3] = 0
    fill = (Choice(name="fill_holes"),)
    assert postprocess(label_map(ring, plain_scheme(1)), fill)[3, 3, 0] == 1
    volume = np.concatenate([ring, np.zeros_like(ring)], axis=2)
    assert np.array_equal(postprocess(label_map(volume, plain_scheme(1)), fill), volume)


def test_the_hole_of_a_core_becomes_core_and_that_of_the_whole_becomes_the_whole() -> None:
    indices = np.zeros(SHAPE, dtype=np.uint8)
    indices[1:8, 1:8, 1:7] = 1
    indices[2:6, 2:6, 2:6] = 2
    indices[3, 3, 3] = 1
    indices[6, 6, 5] = 0
    cored = postprocess(label_map(indices, region_scheme()), (Choice(name="fill_holes", options={"label": "core"}),))
    assert (cored[3, 3, 3], cored[6, 6, 5]) == (2, 0)
    whole = postprocess(label_map(indices, region_scheme()), (Choice(name="fill_holes", options={"label": "whole"}),))
    assert (whole[3, 3, 3], whole[6, 6, 5]) == (1, 1)


def test_the_largest_of_several_labels_together_leaves_background() -> None:
    step = Choice(name="largest_component", options={"values": [1, 2]})
    for scheme in (plain_scheme(2), region_scheme()):
        after = postprocess(label_map(two_lesions(), scheme), (step,))
        expected = two_lesions()
        expected[7, 6, 5] = 0
        np.testing.assert_array_equal(after, expected)
    core = Choice(name="largest_component", options={"values": [2]})
    twice = two_lesions()
    twice[7, 6, 4:6] = 2
    # Of a region, what is taken out becomes background here, not the region around it.
    assert not postprocess(label_map(twice, region_scheme()), (core,))[7, 6, 4:6].any()
    with pytest.raises(PlanError, match="no label of value 7"):
        postprocess(label_map(twice, plain_scheme(2)), (Choice(name="largest_component", options={"values": [7]}),))
