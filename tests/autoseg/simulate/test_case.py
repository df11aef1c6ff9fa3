from __future__ import annotations

from dataclasses import replace

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from autoseg.simulate.baseline import threshold_baseline
from autoseg.simulate.case import SimulatedScan, simulate_scan
from autoseg.simulate.records import SimulationOptions

OPTIONS = SimulationOptions(spacing_mm=4.0, min_lesion_ml=2.0, max_lesion_ml=60.0)


@pytest.fixture(scope="module")
def scans() -> list[SimulatedScan]:
    return [simulate_scan(number, OPTIONS) for number in range(1, 13)]


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def test_case_does_not_depend_on_the_number_of_cases(scans: list[SimulatedScan]) -> None:
    again = simulate_scan(2, replace(OPTIONS, cases=500, held_out_cases=0))
    np.testing.assert_array_equal(again.image, scans[1].image)
    np.testing.assert_array_equal(again.label, scans[1].label)
    assert again.record == scans[1].record


def test_held_out_case_is_another_brain_than_the_training_case_of_its_number(scans: list[SimulatedScan]) -> None:
    held_out = simulate_scan(1, OPTIONS, held_out=True)
    assert held_out.record.name == "sim_test_0001"
    assert held_out.record.volume_ml != scans[0].record.volume_ml


def test_volumes_lie_in_the_requested_range_and_equal_the_label(scans: list[SimulatedScan]) -> None:
    for scan in scans:
        assert 2.0 <= scan.record.volume_ml <= 60.0
        assert scan.label.sum() * 0.064 == pytest.approx(scan.record.volume_ml)


def test_lesion_smaller_than_a_voxel_becomes_one_voxel() -> None:
    scan = simulate_scan(1, SimulationOptions(spacing_mm=6.0, min_lesion_ml=0.01, max_lesion_ml=0.02))
    assert scan.label.sum() == 1


def test_largest_lesion_fits_into_the_brain() -> None:
    scan = simulate_scan(1, SimulationOptions(spacing_mm=5.0, min_lesion_ml=389.0, max_lesion_ml=390.0))
    assert 389.0 <= scan.record.volume_ml <= 390.0


def test_both_orientations_occur_and_the_affine_tells_them(scans: list[SimulatedScan]) -> None:
    assert {scan.record.orientation for scan in scans} == {"LAS", "RAS"}
    for scan in scans:
        assert "".join(nibabel.aff2axcodes(scan.affine)) == scan.record.orientation


def test_affine_puts_the_middle_of_every_brain_near_the_origin_of_its_midline(scans: list[SimulatedScan]) -> None:
    for scan in scans:
        centre = np.array(ndimage.center_of_mass(scan.image > 0))
        # A brain's centre of mass lies on the midline; the warp moves it by some millimetres.
        assert abs((scan.affine @ [*centre, 1.0])[0]) < 12.0


def test_background_is_zero_and_surrounds_one_brain(scans: list[SimulatedScan]) -> None:
    for scan in scans:
        brain = scan.image > 0
        assert scan.image.min() == 0
        assert not any(brain.take(end, axis).any() for axis in range(3) for end in (0, -1))
        assert brain[scan.label > 0].all()
        # Smallest and largest adult brain of the template's size.
        assert 1200 < brain.sum() * 0.064 < 2600


def test_lesion_is_darker_than_the_tissue_around_it(scans: list[SimulatedScan]) -> None:
    assert all(scan.record.contrast_to_noise > 0.5 for scan in scans)


def test_distractors_are_dark_white_matter_that_is_not_labelled(scans: list[SimulatedScan]) -> None:
    with_distractors = [scan for scan in scans if scan.distractors.any()]
    assert len(with_distractors) > len(scans) / 2
    for scan in with_distractors:
        assert not (scan.distractors & (scan.label > 0)).any()


def test_intensity_scales_differ_by_orders_of_magnitude_between_sites(scans: list[SimulatedScan]) -> None:
    medians = [np.median(scan.image[scan.image > 0]) for scan in scans]
    assert max(medians) > 100 * min(medians)
    assert len({scan.record.site for scan in scans}) > 3


def test_threshold_baseline_finds_little(scans: list[SimulatedScan]) -> None:
    scores = [dice(threshold_baseline(scan.image), scan.label > 0) for scan in scans]
    assert np.mean(scores) < 0.3
