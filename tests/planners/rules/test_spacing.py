import pytest

from dataset_fingerprints.errors import PlanError
from planners.rules.spacing import choose_resolution
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case


def test_spacing_is_the_median_of_each_axis() -> None:
    cases = [SyntheticCase(body_shape=(100, 100, 100), spacing_mm=(1.0, size, 1.2)) for size in (0.8, 1.0, 3.0)]
    resolution, _ = choose_resolution(make_fingerprint(cases))
    assert resolution.spacing_mm == (1.0, 1.0, 1.2)
    assert resolution.coarse_axis == -1


def test_thick_slices_take_the_tenth_percentile() -> None:
    thin = repeat_case(2, SyntheticCase(body_shape=(200, 200, 60), spacing_mm=(1.0, 1.0, 2.0)))
    thick = repeat_case(8, SyntheticCase(body_shape=(200, 200, 20), spacing_mm=(1.0, 1.0, 6.0)))
    resolution, decisions = choose_resolution(make_fingerprint(thin + thick))
    assert resolution.spacing_mm == (1.0, 1.0, 2.0)
    assert resolution.coarse_axis == 2  # most scans are coarse along z, whatever the target
    assert decisions[1].evidence == "coarsest over finest voxel edge: 6 in the scans (median), 2 in the target"
    assert "10th percentile" in decisions[0].rule


def test_thick_slices_never_become_finer_than_the_other_axes() -> None:
    thin = repeat_case(2, SyntheticCase(body_shape=(200, 200, 60), spacing_mm=(1.0, 1.0, 0.5)))
    thick = repeat_case(8, SyntheticCase(body_shape=(200, 200, 20), spacing_mm=(1.0, 1.0, 6.0)))
    resolution, _ = choose_resolution(make_fingerprint(thin + thick))
    assert resolution.spacing_mm == (1.0, 1.0, 1.00001)


def test_slices_are_cut_along_the_coarsest_axis_and_axially_on_ties() -> None:
    equal, _ = choose_resolution(make_fingerprint([SyntheticCase(body_shape=(90, 90, 90))]))
    coarse = SyntheticCase(body_shape=(90, 30, 90), spacing_mm=(1.0, 2.0, 1.0))
    uneven, _ = choose_resolution(make_fingerprint([coarse]))
    assert (equal.slice_axis, equal.anchor_axes()) == (2, (2, 1, 0))
    assert (uneven.slice_axis, uneven.anchor_axes()) == (1, (1, 2, 0))


def test_single_slices_are_flat_whatever_their_thickness() -> None:
    resolution, _ = choose_resolution(make_fingerprint([SyntheticCase(body_shape=(1, 200, 300))]))
    assert resolution.flat
    assert resolution.slice_axis == 0
    assert resolution.coarse_axis == -1


def test_noise_of_single_precision_headers_is_rounded_away() -> None:
    case = SyntheticCase(body_shape=(90, 90, 90), spacing_mm=(0.99999994, 1.0000001, 1.0))
    resolution, _ = choose_resolution(make_fingerprint([case]))
    assert resolution.spacing_mm == (1.0, 1.0, 1.0)


def test_no_cases_make_no_plan() -> None:
    with pytest.raises(PlanError, match="holds no cases"):
        choose_resolution(make_fingerprint([]))
