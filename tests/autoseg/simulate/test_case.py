from __future__ import annotations

from dataclasses import replace

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from autoseg.classical import BrainScan
from autoseg.classical.threshold import ThresholdOptions
from autoseg.simulate.case import CaseRequest, SimulatedScan, request_case, simulate_scan
from autoseg.simulate.options import SimulationOptions
from autoseg.simulate.stored import store

OPTIONS = SimulationOptions(spacing_mm=4.0, min_lesion_ml=2.0, max_lesion_ml=60.0)
NEIGHBOURS = np.ones((3, 3, 3), bool)


@pytest.fixture(scope="module")
def scans() -> list[SimulatedScan]:
    return [simulate_scan(request_case(number), OPTIONS) for number in range(1, 17)]


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def test_case_does_not_depend_on_the_number_of_cases(scans: list[SimulatedScan]) -> None:
    again = simulate_scan(request_case(2), replace(OPTIONS, cases=500, held_out_cases=0))
    np.testing.assert_array_equal(again.channels, scans[1].channels)
    np.testing.assert_array_equal(again.label, scans[1].label)
    assert again.record == scans[1].record


def test_held_out_case_is_another_brain_than_the_training_case_of_its_number(scans: list[SimulatedScan]) -> None:
    held_out = simulate_scan(request_case(1, held_out=True), OPTIONS)
    assert held_out.record.name == "sim_test_0001"
    assert held_out.record.volume_ml != scans[0].record.volume_ml


def test_sessions_of_a_subject_are_the_same_brain_scanned_twice() -> None:
    requests = [
        CaseRequest(number=3, stream=0, name=f"sub-3_{session}", subject="sub-3", session=session)
        for session in ("ses-1", "ses-2")
    ]
    first, second = (simulate_scan(request, OPTIONS) for request in requests)
    np.testing.assert_array_equal(first.label, second.label)
    assert first.record.subject == second.record.subject == "sub-3"
    assert first.record.site == second.record.site
    assert not np.array_equal(first.channels, second.channels)


def test_volumes_lie_in_the_requested_range_and_equal_the_label(scans: list[SimulatedScan]) -> None:
    for scan in scans:
        assert 2.0 <= scan.record.volume_ml <= 60.0
        assert scan.label.sum() * 0.064 == pytest.approx(scan.record.volume_ml)


def test_lesion_smaller_than_a_voxel_becomes_one_voxel() -> None:
    options = SimulationOptions(spacing_mm=6.0, min_lesion_ml=0.01, max_lesion_ml=0.02)
    scan = simulate_scan(request_case(1), options)
    assert scan.label.sum() == 1
    np.testing.assert_array_equal(scan.label, scan.lesion)


def test_largest_lesion_fits_into_the_brain() -> None:
    scan = simulate_scan(request_case(1), SimulationOptions(spacing_mm=5.0, min_lesion_ml=389.0, max_lesion_ml=390.0))
    assert 389.0 <= scan.record.volume_ml <= 390.0


def test_label_has_as_many_components_as_lesions_were_planned(scans: list[SimulatedScan]) -> None:
    equal = [ndimage.label(scan.label, NEIGHBOURS)[1] == scan.record.lesions for scan in scans]
    # A lesion without enough space adds voxels to its neighbours, which may then touch.
    assert np.mean(equal) >= 0.9
    assert max(scan.record.lesions for scan in scans) > 1


def test_label_lies_near_the_lesion_but_not_on_it(scans: list[SimulatedScan]) -> None:
    for scan in scans:
        assert scan.record.oracle_dice == pytest.approx(dice(scan.label, scan.lesion), abs=1e-4)
        assert 0.5 < scan.record.oracle_dice < 1.0


def test_affine_puts_the_middle_of_every_brain_near_the_origin_of_its_midline(scans: list[SimulatedScan]) -> None:
    for scan in scans:
        centre = np.array(ndimage.center_of_mass(scan.brain))
        # A brain's centre of mass lies on the midline; the warp moves it by some millimetres.
        assert abs((scan.affine @ [*centre, 1.0])[0]) < 12.0


def test_background_is_zero_and_surrounds_one_brain(scans: list[SimulatedScan]) -> None:
    for scan in scans:
        brain = scan.channels[0] > 0
        np.testing.assert_array_equal(brain, scan.brain)
        assert not any(brain.take(end, axis).any() for axis in range(3) for end in (0, -1))
        assert brain[scan.label].all()
        # Smallest and largest adult brain of the template's size.
        assert 1200 < brain.sum() * 0.064 < 2600


def test_lesion_is_darker_than_the_tissue_around_it(scans: list[SimulatedScan]) -> None:
    assert all(scan.record.contrast_to_noise > 0.5 for scan in scans)


def test_distractors_are_dark_white_matter_that_is_not_labelled(scans: list[SimulatedScan]) -> None:
    with_distractors = [scan for scan in scans if scan.distractors.any()]
    assert len(with_distractors) > len(scans) / 2
    for scan in with_distractors:
        assert not (scan.distractors & (scan.label | scan.lesion)).any()


def test_intensity_scales_differ_by_orders_of_magnitude_between_sites(scans: list[SimulatedScan]) -> None:
    medians = [np.median(scan.channels[0][scan.brain]) for scan in scans]
    assert max(medians) > 100 * min(medians)
    assert len({scan.record.site for scan in scans}) > 3


def test_threshold_finds_little(scans: list[SimulatedScan]) -> None:
    way, spacing_mm = ThresholdOptions(sigmas=3.0), (OPTIONS.spacing_mm,) * 3
    seen = [BrainScan(voxels=one.channels[0], brain=one.channels[0] != 0, spacing_mm=spacing_mm) for one in scans]
    scores = [dice(way.segment(one), scan.label) for one, scan in zip(seen, scans, strict=True)]
    assert np.mean(scores) < 0.3


def test_flair_leaves_t1w_and_label_as_they_are_and_shows_fluid_dark_and_scars_bright(
    scans: list[SimulatedScan],
) -> None:
    scan = simulate_scan(request_case(1), replace(OPTIONS, flair=True))
    np.testing.assert_array_equal(scan.channels[0], scans[0].channels[0])
    np.testing.assert_array_equal(scan.label, scans[0].label)
    t1, flair = (channel / np.median(channel[scan.brain]) for channel in scan.channels)
    # White matter is the brightest tissue in T1w and the darkest but fluid in FLAIR.
    assert t1[scan.distractors].mean() < np.quantile(t1[scan.brain], 0.8)
    assert flair[scan.distractors].mean() > np.quantile(flair[scan.brain], 0.5)


def test_head_surrounds_the_brain_with_scalp_and_noisy_air() -> None:
    scan = simulate_scan(request_case(1), replace(OPTIONS, head=True))
    image = scan.channels[0] / np.median(scan.channels[0][scan.brain])
    assert (image > 0).all()
    corner = image[:3, -3:, -3:]
    assert 0 < corner.std() < 0.1
    assert corner.mean() < 0.15
    outside = ndimage.distance_transform_edt(~scan.brain) * 4.0
    bone, scalp = (image[(outside > low) & (outside < high)].mean() for low, high in ((1, 8), (9, 15)))
    assert scalp > bone + 0.15


def test_fixed_shape_pads_and_crops_around_the_brain() -> None:
    wide = simulate_scan(request_case(1), replace(OPTIONS, shape=(80, 70, 60)))
    assert wide.channels.shape == (1, 80, 70, 60)
    assert wide.brain.sum() * 0.064 > 1200
    middle = np.array(ndimage.center_of_mass(wide.brain)) / wide.brain.shape
    # The brain's box is centred, its mass lies within a tenth of that.
    np.testing.assert_allclose(middle, 0.5, atol=0.1)
    narrow = simulate_scan(request_case(1), replace(OPTIONS, shape=(26, 26, 26)))
    assert narrow.channels.shape == (1, 26, 26, 26)
    assert narrow.label.sum() * 0.064 == pytest.approx(narrow.record.volume_ml)


@pytest.mark.parametrize("code", ["RAS", "LAS", "PSR", "PSL", "PIR"])
def test_stored_array_and_affine_agree_in_every_orientation(scans: list[SimulatedScan], code: str) -> None:
    scan = scans[0]
    stored = store(scan.channels[0], scan.affine, code)
    assert "".join(nibabel.aff2axcodes(stored.affine)) == code
    back = nibabel.as_closest_canonical(nibabel.Nifti1Image(stored.voxels, stored.affine))
    np.testing.assert_array_equal(np.asarray(back.dataobj), scan.channels[0])
    np.testing.assert_allclose(back.affine, scan.affine, atol=1e-5)
