"""Amounts of memory and sizes of files in words."""

from __future__ import annotations

import pytest

from dataset_fingerprints.sizes import show_bytes, show_gib

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


@pytest.mark.parametrize(
    ("size", "said"), [(17, "17 bytes"), (1024, "1 KiB"), (430_080, "420 KiB"), (3_565_158, "3.4 MiB")]
)
def test_a_file_is_as_large_as_it_is_said(size: int, said: str) -> None:
    assert show_bytes(size) == said
