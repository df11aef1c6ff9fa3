from __future__ import annotations

import pytest

from dataset_fingerprints.image_kinds import canonical, find_kind


@pytest.mark.parametrize(
    ("spellings", "kind"),
    [(("T1", "t1n", "T1w", "MPRAGE"), "t1w"), (("DWI", "b1000", "dwi_b1000"), "dwi"), (("ADC map",), "adc")],
)
def test_spellings_of_one_kind_are_one(spellings: tuple[str, ...], kind: str) -> None:
    assert {canonical(name) for name in spellings} == {kind}


def test_the_first_channel_of_a_kind_is_found_by_any_of_its_names() -> None:
    names = ("T1w", "b1000", "trace", "adc_map")
    assert find_kind(names, "dwi", "trace") == 1
    assert find_kind(names, "adc") == 3
    assert find_kind(names, "flair") is None
