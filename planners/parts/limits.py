"""Limits of the numbers that are options of parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# By their words in a message; a number that is not one fits into none.
_FITS = {
    "more than 0": lambda value: value > 0,
    "0 or more": lambda value: value >= 0,
    "1 or more": lambda value: value >= 1,
    "0 to 1": lambda value: 0 <= value <= 1,
    "0 or more, less than 1": lambda value: 0 <= value < 1,
    "more than 0, at most 1": lambda value: 0 < value <= 1,
}


def find_outside(options: Any, **expected: str) -> Iterator[str]:
    """Yield the options that lie beyond their limits.

    Args:
        options: of a part.
        expected: by option, its limits in words: one of those above.
    """
    for name, words in expected.items():
        value = getattr(options, name)
        if not _FITS[words](value):
            yield f"{name} is {value}. Expected {words}."
