"""Sizes that patches grow through (Fischer 2024; rule: nnUNetTrainer_PGPS.py and nnUNetTrainer_PGPS+.py)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import pytest

from planners.parts.growth import Extent, NoGrowthOptions, ProgressiveOptions

POOLED = {
    # Planned patch, what it must be divisible by.
    "a brain": ((128, 128, 128), (32, 32, 32)),
    "thick slices": ((320, 256, 20), (64, 32, 4)),
    "slices": ((224, 256), (32, 64)),
    "never halved": ((3, 2, 4), (1, 1, 1)),
}
each = pytest.mark.parametrize(("patch", "divisors"), POOLED.values(), ids=POOLED.keys())


def grow(
    patch: tuple[int, ...], divisors: tuple[int, ...], batch: Literal["same", "filled"] = "same", count: int = 2
) -> tuple[Extent, ...]:
    return ProgressiveOptions(batch=batch).extents(Extent(patch=patch, batch_size=count), divisors)


def test_without_growth_there_is_the_planned_size_alone() -> None:
    planned = Extent(patch=(8, 8, 8), batch_size=3)
    assert NoGrowthOptions().extents(planned, (4, 4, 4)) == (planned,)


def test_the_smallest_is_two_divisors_long_along_the_first_axis_and_axes_grow_in_turn_from_the_second() -> None:
    # min_patch_size = [2 ** (pools + 1), 2 ** pools, 2 ** pools]; i = 1; idx = i % 3.
    assert [extent.patch for extent in grow((128, 128, 128), (32, 32, 32))] == [
        (64, 32, 32),
        (64, 64, 32),
        (64, 64, 64),
        (96, 64, 64),
        (96, 96, 64),
        (96, 96, 96),
        (128, 96, 96),
        (128, 128, 96),
        (128, 128, 128),
    ]


@each
def test_there_are_as_many_sizes_as_their_trainer_counts(patch: tuple[int, ...], divisors: tuple[int, ...]) -> None:
    # num_stages: (planned - smallest) / 2 ** pools, summed over the axes, and 1.
    smallest = [min(2 * divisors[0], patch[0]), *divisors[1:]]
    steps = [(whole - first) / divisor for whole, first, divisor in zip(patch, smallest, divisors, strict=True)]
    assert len(grow(patch, divisors)) == sum(map(math.ceil, steps)) + 1


@each
def test_every_size_divides_and_one_axis_grows_by_its_divisor(
    patch: tuple[int, ...], divisors: tuple[int, ...]
) -> None:
    sizes = [extent.patch for extent in grow(patch, divisors)]
    assert sizes[-1] == patch
    for size in sizes:
        assert not any(length % divisor for length, divisor in zip(size, divisors, strict=True))
    for before, after in pairwise(sizes):
        grown = [late - early for early, late in zip(before, after, strict=True)]
        assert [amount for amount in grown if amount] == [divisors[grown.index(max(grown))]]


def test_the_efficiency_mode_keeps_the_batch() -> None:
    assert {extent.batch_size for extent in grow((128, 128, 128), (32, 32, 32), count=3)} == {3}


def test_the_performance_mode_fills_the_batch_from_size_to_size() -> None:
    # batch_sizes = int(ratio * batch_sizes[-1]), from the last size with 2 on: each is rounded before the next.
    counts = [extent.batch_size for extent in grow((128, 128, 128), (32, 32, 32), "filled")]
    assert counts == [24, 12, 6, 4, 3, 2, 2, 2, 2]


@each
def test_a_filled_batch_has_no_more_voxels_than_the_next_larger_size(
    patch: tuple[int, ...], divisors: tuple[int, ...]
) -> None:
    voxels = [math.prod(extent.patch) * extent.batch_size for extent in grow(patch, divisors, "filled")]
    assert voxels == sorted(voxels)
