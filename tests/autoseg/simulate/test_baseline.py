from __future__ import annotations

import numpy as np

from autoseg.simulate import threshold_baseline


def test_only_very_dark_brain_voxels_are_marked() -> None:
    image = np.random.default_rng(0).uniform(99.0, 101.0, (20, 20, 20))
    image[:5] = 0
    image[10, 10, 10] = 80.0
    assert np.argwhere(threshold_baseline(image)).tolist() == [[10, 10, 10]]


def test_empty_image_gives_an_empty_mask() -> None:
    assert not threshold_baseline(np.zeros((4, 4, 4))).any()
