from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.confidence import measure_signs, signs
from autoseg.prediction import StoredLayers
from tests.autoseg.confidence.builders import lesion_probabilities, segment
from tests.synthetic.heads import plain_scheme, region_scheme

SHAPE = (6, 5, 4)


def two_lesions() -> np.ndarray:
    values = np.full(SHAPE, 0.1)
    values[0:2, 0:2, 0:2] = 0.8
    values[4:5, 3:5, 3:4] = 0.6
    return values[None]


def test_signs_are_sums_over_the_mask_and_over_everything():
    (found,) = measure_signs(segment([lesion_probabilities(two_lesions(), (1, 2, 3))]))
    inside, everything = 8 * 0.8 + 2 * 0.6, 8 * 0.8 + 2 * 0.6 + 110 * 0.1
    assert found.voxels == 10
    assert found.volume_ml == pytest.approx(10 * 6 / 1000)
    # Of probabilities in 1/255, which are at most 0.5/255 off.
    assert found.soft_dice_confidence == pytest.approx(2 * inside / (everything + 10), abs=0.02)
    rounded = lambda p: round(p * 255) / 255  # noqa: E731
    exact = 2 * (8 * rounded(0.8) + 2 * rounded(0.6)) / (8 * rounded(0.8) + 2 * rounded(0.6) + 110 * rounded(0.1) + 10)
    assert found.soft_dice_confidence == pytest.approx(exact, rel=1e-5)
    assert found.mean_probability == pytest.approx(inside / 10, abs=1 / 255)
    assert found.agreement is None


def test_lesions_have_centres_in_the_world_and_come_largest_first():
    (found,) = measure_signs(segment([lesion_probabilities(two_lesions(), (1, 2, 3))]))
    large, small = found.lesions
    assert (large.volume_mm3, small.volume_mm3) == (48, 12)
    assert large.centre_mm == pytest.approx((0.5, 1.0, 1.5))
    assert small.centre_mm == pytest.approx((4, 7, 9))
    assert (large.mean_probability, small.peak_probability) == pytest.approx((0.8, 0.6), abs=1 / 255)
    assert (large.agreement, small.agreement) == (None, None)


def test_networks_agree_as_far_as_their_own_masks_overlap():
    first, second = two_lesions(), two_lesions()
    second[0, 4, 3:5, 3] = 0.45
    found = measure_signs(segment([lesion_probabilities(first), lesion_probabilities(second)]))[0]
    assert found.agreement == pytest.approx(2 * 8 / (10 + 8))
    assert [lesion.agreement for lesion in found.lesions] == [1, 0.5]
    three = measure_signs(segment([lesion_probabilities(first)] * 2 + [lesion_probabilities(second)]))[0]
    assert three.agreement == pytest.approx((1 + 2 * 16 / 18) / 3)


def test_networks_agree_as_far_where_they_and_their_mean_are_kept_apart():
    first, second = two_lesions(), two_lesions()
    second[0, 4, 3:5, 3] = 0.45
    segmented = segment([lesion_probabilities(first), lesion_probabilities(second)])
    mean = segmented.probabilities
    alone = replace(mean, layers=StoredLayers(values=mean.read_box(mean.box)))
    assert measure_signs(replace(segmented, probabilities=alone)) == measure_signs(segmented)


def test_a_mean_may_be_measured_without_its_members():
    members = [lesion_probabilities(two_lesions())] * 2
    segmented = segment(members)
    (found,) = measure_signs(replace(segmented, members=(segmented.probabilities,)))
    assert found.agreement is None
    assert found.numbers() == measure_signs(segmented)[0].numbers()


def test_an_empty_mask_has_no_confidence_and_networks_that_find_nothing_agree():
    nothing = np.full((1, *SHAPE), 0.2)
    (found,) = measure_signs(segment([lesion_probabilities(nothing)] * 2))
    assert (found.voxels, found.soft_dice_confidence, found.mean_probability) == (0, 0, 0)
    assert found.agreement == 1
    assert found.lesions == ()


@pytest.mark.parametrize("regions", [False, True])
def test_labels_and_regions_are_measured_apart_whatever_the_slabs(regions, monkeypatch):
    scheme = region_scheme() if regions else plain_scheme(2)
    rng = np.random.default_rng(0)
    values = rng.random((2, *SHAPE)) * (1.0 if regions else 0.5)
    whole = measure_signs(segment([lesion_probabilities(values, scheme=scheme)] * 2))
    monkeypatch.setattr(signs, "SLAB_VALUES", 1)
    assert len(whole) == 2
    layered = measure_signs(segment([lesion_probabilities(values, scheme=scheme)] * 2))
    for one, other in zip(whole, layered, strict=True):
        assert one.voxels == other.voxels > 0
        assert one.numbers() == pytest.approx(other.numbers(), rel=1e-6)
        assert [lesion.volume_mm3 for lesion in one.lesions] == [lesion.volume_mm3 for lesion in other.lesions]
        assert sum(lesion.volume_mm3 for lesion in one.lesions) == one.voxels


def test_the_mask_that_is_judged_is_the_one_after_post_processing():
    segmented = segment([lesion_probabilities(two_lesions())])
    segmented.labels[4:] = 0
    (found,) = measure_signs(segmented)
    assert found.voxels == 8
    assert len(found.lesions) == 1
