import numpy as np

from autoseg.classical import BrainScan
from autoseg.classical.threshold import ThresholdOptions


def test_only_very_dark_brain_voxels_are_marked() -> None:
    image = np.random.default_rng(0).uniform(99.0, 101.0, (20, 20, 20))
    image[:5] = 0
    image[10, 10, 10] = 80.0
    scan = BrainScan(voxels=image, brain=image != 0, spacing_mm=(1.0, 1.0, 1.0))
    assert np.argwhere(ThresholdOptions(sigmas=3.0).segment(scan)).tolist() == [[10, 10, 10]]
