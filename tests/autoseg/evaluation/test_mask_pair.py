from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autoseg.evaluation import DEFAULT_CONVENTION, mask_pair, pair_masks, score_pair
from autoseg.evaluation.mask_pair import VoxelCounts
from tests.autoseg.evaluation.masks import ONE_MM, make_box

SHAPE = (20, 20, 20)
LEFT = make_box(SHAPE, (2, 2, 2), (8, 8, 8)) > 0
RIGHT = make_box(SHAPE, (5, 2, 2), (12, 8, 8)) > 0
NOTHING = np.zeros(SHAPE, dtype=bool)


def test_masks_are_cropped_to_the_box_around_both():
    pair = pair_masks(LEFT, RIGHT, (1.0, 2.0, 3.0))
    assert pair.prediction.shape == pair.reference.shape == (10, 6, 6)
    assert pair.image_shape == SHAPE
    assert pair.counts == VoxelCounts(prediction=216, reference=252, both=108, neither=7640)
    assert pair.voxel_ml == 0.006


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"), [(LEFT, RIGHT, 0), (LEFT, NOTHING, 1), (NOTHING, NOTHING, 2)]
)
def test_empty_masks_are_counted(prediction, reference, expected):
    assert pair_masks(prediction, reference, ONE_MM).empty_masks == expected
    assert pair_masks(reference, prediction, ONE_MM).empty_masks == expected


def test_only_axes_of_the_uncropped_image_are_flat():
    plate = make_box(SHAPE, (2, 2, 5), (8, 8, 6)) > 0
    assert pair_masks(plate, plate, ONE_MM).flat == (False, False, False)
    assert pair_masks(plate[:, :, 5:6], plate[:, :, 5:6], ONE_MM).flat == (False, False, True)


def test_distances_run_from_each_surface_to_the_other():
    near = make_box(SHAPE, (0, 0, 0), (1, 1, 1)) > 0
    far = near | (make_box(SHAPE, (4, 0, 0), (5, 1, 1)) > 0)
    forth, back = pair_masks(near, far, (2.0, 1.0, 1.0)).surface_distances_mm
    assert (forth.tolist(), back.tolist()) == ([0.0], [0.0, 8.0])


def test_metrics_share_surfaces_and_lesions(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        original = getattr(mask_pair, name)

        def count(*arguments: Any) -> Any:
            calls.append(name)
            return original(*arguments)

        return count

    for name in ("find_surface", "measure_distances", "label_lesions"):
        monkeypatch.setattr(mask_pair, name, counted(name))
    pair = pair_masks(LEFT, RIGHT, ONE_MM)
    metrics = DEFAULT_CONVENTION.build()
    assert score_pair(1, pair, metrics) == score_pair(1, pair, metrics)
    assert sorted(calls) == ["find_surface"] * 2 + ["label_lesions"] * 2 + ["measure_distances"] * 2
