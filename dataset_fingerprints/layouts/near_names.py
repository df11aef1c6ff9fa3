"""Names of files without a partner that look like the name of another one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from dataset_fingerprints.names import some_of

_NUMBER = re.compile(r"\d+")
_SHOWN = 3


def find_near_names(first: Iterable[str], second: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of names that differ only in upper and lower case or zeros in front of numbers, or have one number.

    A name that looks like several others is left out.
    """
    first, second = sorted(first), sorted(second)
    pairs: list[tuple[str, str]] = []
    for simplify in (_plain, _only_number):
        mine, theirs = (_group(names, simplify) for names in (first, second))
        alone = [key for key, names in mine.items() if key and len(names) == len(theirs.get(key, ())) == 1]
        found = [(mine[key][0], theirs[key][0]) for key in alone]
        known = {name for pair in pairs for name in pair}
        pairs += [pair for pair in found if not known & set(pair)]
    return pairs


def describe_near_names(first: Iterable[str], second: Iterable[str]) -> str:
    """Return in a sentence which names look like one case's, with a blank behind it; empty for none."""
    pairs = find_near_names(first, second)
    if not pairs:
        return ""
    shown = some_of([f"{one} and {other}" for one, other in pairs], _SHOWN, "; ")
    return f"These look like names of one case: {shown}; names must be equal, with their zeros and capitals. "


def _group(names: Sequence[str], simplify: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(simplify(name), []).append(name)
    return groups


def _plain(name: str) -> str:
    return _NUMBER.sub(lambda found: str(int(found.group()[:18])), name.casefold())


def _only_number(name: str) -> str:
    numbers = _NUMBER.findall(name)
    return str(int(numbers[0][:18])) if len(numbers) == 1 else ""
