from __future__ import annotations

import pytest
import torch

from dataset_fingerprints.geometry import Box
from tests.autoseg.prediction.builders import constant
from tests.synthetic.heads import region_scheme

BOX = Box(start=(2, 3, 4), stop=(8, 7, 9))


def test_a_range_of_layers_is_read_in_the_scans_own_numbers() -> None:
    slab = constant((0.2, 0.8), BOX).read(3, 5)
    assert slab.box == Box(start=(3, 3, 4), stop=(5, 7, 9))
    assert slab.values.shape == (2, 2, 4, 5)


@pytest.mark.parametrize(("start", "stop"), [(1, 3), (7, 9), (5, 5), (6, 5)])
def test_layers_outside_the_box_cannot_be_read(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="are not inside 2 to 8"):
        constant((0.2, 0.8), BOX).read(start, stop)


def test_slabs_of_some_of_the_layers_end_where_they_end() -> None:
    slabs = list(constant((0.2, 0.8), BOX).slabs(3, 8, thickness=2))
    assert [(slab.box.start[0], slab.box.stop[0]) for slab in slabs] == [(3, 5), (5, 7), (7, 8)]


@pytest.mark.parametrize(
    "other",
    [
        Box(start=(0, 0, 0), stop=(12, 12, 12)),
        Box(start=(4, 0, 5), stop=(12, 5, 6)),
        Box(start=(9, 3, 4), stop=(12, 7, 9)),
        Box(start=(3, 8, 4), stop=(5, 12, 9)),
        BOX,
    ],
    ids=str,
)
def test_what_lies_outside_the_box_is_background(other: Box) -> None:
    labels = constant((0.25, 0.5, 0.25), BOX).read_box(other)
    regions = constant((0.5, 0.25), BOX, scheme=region_scheme()).read_box(other)
    inside = torch.zeros(other.shape(), dtype=torch.bool)
    shared = other.overlap(BOX)
    if shared is not None:
        inside[shared.relative_to(other).slices()] = True
    assert labels.shape == (3, *other.shape())
    assert torch.equal(labels[0], torch.where(inside, 0.25, 1.0))
    assert torch.equal(labels[1], torch.where(inside, 0.5, 0.0))
    assert torch.equal(regions[0], torch.where(inside, 0.5, 0.0))
