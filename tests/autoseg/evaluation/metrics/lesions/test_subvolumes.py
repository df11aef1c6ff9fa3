"""Sub-volumes of an image that hold any of a mask."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation import pair_masks
from autoseg.evaluation.metrics.lesions.subvolumes import (
    FalseSubvolumesOptions,
    FoundSubvolumesOptions,
    MissedSubvolumesOptions,
    mark_subvolumes,
)

ONE_MM = (1.0, 1.0, 1.0)


def points(shape: tuple[int, int, int], *places: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    for place in places:
        mask[place] = True
    return mask


@pytest.mark.parametrize("shape", [(8, 6, 4), (9, 7, 5), (1, 6, 4), (3, 3, 1)])
@pytest.mark.parametrize("parts", [(2, 2, 2), (3, 1, 2)])
def test_crops_of_the_masks_do_not_move_the_borders(shape: tuple[int, int, int], parts: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(sum(shape))
    first, second = (rng.random(shape) < 0.05 for _ in range(2))
    pair = pair_masks(first, second, ONE_MM)
    borders = [
        [length * number // count for number in range(count + 1)] for length, count in zip(shape, parts, strict=True)
    ]
    for cropped, whole in ((pair.prediction, first), (pair.reference, second)):
        marked = mark_subvolumes(cropped, pair, parts)
        assert marked.shape == parts
        for place in np.ndindex(*parts):
            box = tuple(slice(ends[at], ends[at + 1]) for ends, at in zip(borders, place, strict=True))
            assert marked[place] == whole[box].any()


def test_found_missed_and_false_sub_volumes_by_hand() -> None:
    shape = (8, 8, 8)
    reference = points(shape, (0, 0, 0), (7, 7, 7), (7, 6, 6))
    # In the first eighth elsewhere than the reference, and in another one.
    prediction = points(shape, (3, 3, 3), (0, 0, 7))
    pair = pair_masks(prediction, reference, ONE_MM)
    kinds = (FoundSubvolumesOptions(), MissedSubvolumesOptions(), FalseSubvolumesOptions())
    assert [kind.measure(pair) for kind in kinds] == [1, 1, 1]
    whole = [type(kind)(parts=(1, 1, 1)).measure(pair) for kind in kinds]
    assert whole == [1, 0, 0]
