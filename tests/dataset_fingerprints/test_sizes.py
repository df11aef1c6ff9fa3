"""Amounts of memory in words."""

from __future__ import annotations

import pytest

from dataset_fingerprints.sizes import show_gib

SAID = {
    0.0: "0 MiB",
    0.000086: "less than 1 MiB",
    0.0049: "5 MiB",
    0.5: "512 MiB",
    1.0: "1.00 GiB",
    16.825: "16.82 GiB",
}


@pytest.mark.parametrize("gib", SAID)
def test_an_amount_has_the_unit_that_fits(gib: float) -> None:
    assert show_gib(gib) == SAID[gib]
