"""Names that differ in endings such as _pred only."""

from __future__ import annotations

import pytest

from autoseg.evaluation.naming.endings import match_by_stripped


@pytest.mark.parametrize(
    ("predicted", "true", "matched"),
    [
        (("a_pred",), ("a",), {"a_pred": "a"}),
        (("a",), ("a_seg",), {"a": "a_seg"}),
        (("a_Prediction_mask", "b-seg"), ("a_gt", "b_label"), {"a_Prediction_mask": "a_gt", "b-seg": "b_label"}),
        (("a", "a_pred"), ("a",), {}),  # the exact name is the one that is meant
        (("a_pred", "a_seg"), ("a",), {}),
        (("a_pred",), ("a_seg", "a_gt"), {}),
        (("a_0001",), ("a",), {}),
        (("_pred",), ("_seg",), {}),
        (("sub-01_core",), ("sub-01",), {}),
    ],
)
def test_names_are_matched_without_endings_where_one_is_meant(
    predicted: tuple[str, ...], true: tuple[str, ...], matched: dict[str, str]
) -> None:
    assert match_by_stripped(predicted, true) == matched
