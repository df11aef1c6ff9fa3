"""Names that look like those of one case."""

from __future__ import annotations

import pytest

from dataset_fingerprints.layouts.near_names import describe_near_names, find_near_names


@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        (["Case0", "Case1"], ["case0", "case1"], [("Case0", "case0"), ("Case1", "case1")]),
        (["0", "12"], ["000", "012"], [("0", "000"), ("12", "012")]),
        (["3"], ["Case3"], [("3", "Case3")]),
        (["3"], ["03"], [("3", "03")]),
        (["3"], ["Case3", "Scan3"], []),
        (["3", "03"], ["003"], []),
        (["a"], ["b"], []),
        (["sub-1_ses-2"], ["sub-2_ses-1"], []),
    ],
)
def test_names_of_one_case_are_found(first: list[str], second: list[str], pairs: list[tuple[str, str]]) -> None:
    assert find_near_names(first, second) == pairs


def test_they_are_named_in_a_sentence() -> None:
    assert describe_near_names(["a"], ["b"]) == ""
    assert describe_near_names(["3"], ["03"]).startswith("These look like names of one case: 3 and 03; names must be")
