import numpy as np

from autoseg.classical import BrainScan
from autoseg.classical.region_growing import RegionGrowingOptions, find_seed


def two_holes() -> BrainScan:
    """Return a bright block with a dark cube on each side, one of them not mirrored."""
    voxels = 100 + np.random.default_rng(0).normal(0, 1, (30, 24, 22))
    voxels[4:9, 5:10, 5:10] -= 60
    voxels[20:25, 14:19, 12:17] -= 60
    return BrainScan(voxels=voxels, brain=np.ones(voxels.shape, dtype=bool), spacing_mm=(3.0, 3.0, 3.0))


def test_region_grows_from_the_given_seed_only() -> None:
    scan = two_holes()
    mask = RegionGrowingOptions(seeds=((22, 16, 14),)).segment(scan)
    assert np.count_nonzero(mask[20:25, 14:19, 12:17]) == np.count_nonzero(mask) > 100


def test_two_seeds_grow_two_regions() -> None:
    mask = RegionGrowingOptions(seeds=((22, 16, 14), (6, 7, 7))).segment(two_holes())
    both = np.count_nonzero(mask[20:25, 14:19, 12:17]), np.count_nonzero(mask[4:9, 5:10, 5:10])
    assert min(both) > 100
    assert np.count_nonzero(mask) == sum(both)


def test_suggested_seed_is_dark_on_one_side_only() -> None:
    scan = two_holes()
    both = scan.voxels.copy()
    both[21:26, 5:10, 5:10] = 40  # the mirror image of the first cube
    seed = find_seed(BrainScan(voxels=both, brain=scan.brain, spacing_mm=scan.spacing_mm))
    assert seed is not None
    assert 20 <= seed[0] < 25
    assert 14 <= seed[1] < 19
    assert 12 <= seed[2] < 17


def test_symmetric_scan_suggests_no_seed() -> None:
    voxels = np.add.outer(np.zeros(12), np.random.default_rng(0).normal(100, 5, (10, 10)))
    scan = BrainScan(voxels=voxels, brain=np.ones(voxels.shape, dtype=bool), spacing_mm=(1.0, 1.0, 1.0))
    assert find_seed(scan) is None
