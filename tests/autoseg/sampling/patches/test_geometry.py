from __future__ import annotations

import numpy as np
import pytest
import torch

from autoseg.sampling.patches.geometry import copy_box
from tests.autoseg.sampling.builders import make_case

NO_FLIPS = (False, False, False)


@pytest.mark.parametrize("flips", [NO_FLIPS, (True, False, True), (True, True, True)])
@pytest.mark.parametrize("start", [(-3, 2, 10), (15, -20, 4), (-2, -1, -3), (40, 0, 0)])
def test_a_box_equals_the_padded_slice(start: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> None:
    case, edges, margin = make_case(channels=2), (8, 30, 11), 60
    padded = np.pad(case.voxels.image.numpy(), ((0, 0), *[(margin, margin)] * 3))
    box = padded[(..., *(slice(s + margin, s + margin + edge) for s, edge in zip(start, edges, strict=True)))]
    expected = np.flip(box, [1 + axis for axis in range(3) if flips[axis]])
    target = torch.zeros((2, *edges))
    copy_box(case.voxels.image, start, flips, target)
    np.testing.assert_array_equal(target.numpy(), expected.astype(np.float32))
