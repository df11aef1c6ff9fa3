from __future__ import annotations

import pytest

from dataset_fingerprints.reading.stored import itk_reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Exception thrown in SimpleITK: /src/a.cxx:99:\nITK ERROR: Reader(0x55aa0): no\n  tags. ", "no tags"),
        ("sitk::ERROR: Unable to determine ImageIO reader", "Unable to determine ImageIO reader"),
        ("ITK ERROR: " + "x" * 200 + "end", "x" * 157 + "end"),
        ("a plain message", "a plain message"),
        ("", "RuntimeError"),
    ],
)
def test_a_message_of_itk_is_shown_without_its_sources_and_objects(text: str, reason: str) -> None:
    assert itk_reason(RuntimeError(text)) == reason
