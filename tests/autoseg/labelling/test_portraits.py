from __future__ import annotations

import numpy as np
import pytest

from autoseg.labelling.portraits import CELLS, portray, shrink
from autoseg.labelling.ranking import measure_distances
from dataset_fingerprints.geometry import make_grid
from dataset_fingerprints.measuring.scans import make_scan
from tests.synthetic.scans import blob, head


def test_cells_are_means_also_of_axes_shorter_than_they_are_many() -> None:
    values = np.arange(16.0).reshape(16, 1, 1) * np.ones((16, 4, 1))
    cells = shrink(values)
    assert cells.shape == (CELLS,) * 3
    assert cells[:, 0, 0].tolist() == [0.5 + 2 * number for number in range(8)]


def test_a_noisy_copy_is_nearer_than_another_scan_whatever_its_scale() -> None:
    portraits = []
    for seed, factor, noise in ((0, 1.0, 0.0), (0, 250.0, 1.0), (1, 1.0, 0.0)):
        image, labels = head(seed)
        image = factor * np.where(image != 0, image + noise * np.random.default_rng(5).standard_normal(image.shape), 0)
        scan = make_scan(image[None], make_grid(image.shape, np.eye(4)))
        portraits.append(portray(str(seed), scan, labels > 0))
    distances = measure_distances(portraits[:1], portraits)[0]
    assert distances[0] < 1e-9
    assert distances[1] < distances[2] / 3


def test_another_place_of_the_lesion_is_another_portrait() -> None:
    image, _ = head(0)
    scan = make_scan(image[None], make_grid(image.shape, np.eye(4)))
    left, right, none = (
        portray("a", scan, mask)
        for mask in (blob(image.shape, (8, 14, 10), 3), blob(image.shape, (16, 14, 10), 3), np.zeros(image.shape, bool))
    )
    assert left.mask @ left.mask == pytest.approx(1)
    assert left.mask @ right.mask < 0.5
    assert not none.mask.any()
    # The same scan is no other one for that.
    assert measure_distances([left], [right])[0, 0] < 1e-9
