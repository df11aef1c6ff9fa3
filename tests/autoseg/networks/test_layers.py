from __future__ import annotations

import pytest

from autoseg.networks.layers import Layers, largest_divisor


@pytest.mark.parametrize(("number", "limit", "expected"), [(32, 8, 8), (12, 8, 6), (7, 4, 1), (4, 8, 4), (9, 3, 3)])
def test_largest_divisor(number: int, limit: int, expected: int) -> None:
    assert largest_divisor(number, limit) == expected


def test_group_norm_takes_as_many_groups_as_divide_its_features() -> None:
    assert Layers(dimensions=3, norm="group", groups=8).normalization(20).num_groups == 5
