import numpy as np
import pytest

from autoseg.clinical.loads import RegionLoad, measure_load

SPACING_MM = (1.0, 2.0, 5.0)


def load_of(lesion: np.ndarray, region: np.ndarray) -> RegionLoad:
    return measure_load(lesion, region, SPACING_MM, 10.0 + 5.0 * np.arange(lesion.shape[2]))


def narrowing_region() -> np.ndarray:
    """Return a region of 2, 4 and 8 voxels in its three slices, in a box of 4x4x5 with an empty slice at each end."""
    region = np.zeros((4, 4, 5), dtype=np.float32)
    region[:2, 0, 1] = region[:, 0, 2] = 1
    region[:, :2, 3] = 1
    return region


def test_overlap_counts_the_lesion_in_the_region_only() -> None:
    lesion = np.zeros((4, 4, 5), dtype=bool)
    lesion[0] = True
    load = load_of(lesion, narrowing_region())
    # A voxel is 10 mm3: 20 of the lesion, 14 of the region, and 1, 1 and 2 of both.
    assert load.lesion_ml == pytest.approx(0.2)
    assert load.region_ml == pytest.approx(0.14)
    assert load.overlap_ml == pytest.approx(0.04)
    assert load.percent() == pytest.approx(100 * 4 / 14)


def test_slices_say_their_height_and_their_injury() -> None:
    lesion = np.zeros((4, 4, 5), dtype=bool)
    lesion[0] = True
    slices = load_of(lesion, narrowing_region()).slices
    assert [one.index for one in slices] == [1, 2, 3]
    assert [one.z_mm for one in slices] == [15.0, 20.0, 25.0]
    assert [one.injury_percent() for one in slices] == pytest.approx([50.0, 25.0, 25.0])


def test_weighted_load_counts_a_narrow_slice_as_much_as_a_wide_one() -> None:
    lesion = np.zeros((4, 4, 5), dtype=bool)
    lesion[0] = True
    load = load_of(lesion, narrowing_region())
    # Weights of largest / own cross-section: 8/2, 8/4 and 8/8 for 1, 1 and 2 voxels, of 2 mm2 and 5 mm.
    assert load.weighted_ml() == pytest.approx((4 * 1 + 2 * 1 + 1 * 2) * 10 / 1000)
    assert load.max_weighted_mm2() == pytest.approx(4 * 1 * 2)
    assert load.max_injury_percent() == pytest.approx(50.0)
    assert load.worst_slice().z_mm == 15.0


def test_lesion_of_the_whole_region_has_full_loads() -> None:
    load = load_of(np.ones((4, 4, 5), dtype=bool), narrowing_region())
    assert load.percent() == pytest.approx(100.0)
    assert load.weighted_ml() == pytest.approx(3 * 8 * 10 / 1000)
    assert load.max_injury_percent() == pytest.approx(100.0)


def test_weights_of_a_probabilistic_region_count() -> None:
    region = narrowing_region() * np.float32(0.5)
    region[0, 0, 1] = 1.0
    lesion = np.zeros((4, 4, 5), dtype=bool)
    lesion[0, 0, 1] = lesion[3, 3, 4] = True
    load = load_of(lesion, region)
    assert load.overlap_ml == pytest.approx(0.01)
    assert load.region_ml == pytest.approx(0.075)
    assert load.max_injury_percent() == pytest.approx(100 * 1.0 / 1.5)


def test_empty_lesion_has_loads_of_zero() -> None:
    load = load_of(np.zeros((4, 4, 5), dtype=bool), narrowing_region())
    assert (load.overlap_ml, load.percent(), load.weighted_ml(), load.max_injury_percent()) == (0, 0, 0, 0)
    assert not load.is_from_tip()


def test_largest_injury_at_the_tip_of_a_region_is_recognised() -> None:
    region = np.zeros((10, 10, 3), dtype=np.float32)
    region[..., 1] = 1
    region[0, 0, 2] = 1
    lesion = np.zeros(region.shape, dtype=bool)
    lesion[0, 0] = True
    assert load_of(lesion, region).is_from_tip()
