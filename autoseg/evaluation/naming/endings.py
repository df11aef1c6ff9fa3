"""Names of masks and references that differ in their endings only, such as `sub-01_pred` and `sub-01_seg`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

# What people and programs put behind a case's name.
_ENDING = re.compile(
    r"(?<=.)[-_. ](pred(icted|iction|ictions)?|seg(mentation|mented)?|masks?|labels?|gt|ground[-_ ]?truth|truth"
    r"|ref(erence)?|manual|auto(matic)?|lesions?|roi|out(put)?|result|0000)$",
    re.IGNORECASE,
)


def strip_endings(name: str) -> str:
    """Return a name without such endings, of which there may be several."""
    bare = _ENDING.sub("", name)
    while bare != name:
        name, bare = bare, _ENDING.sub("", bare)
    return name


def match_by_stripped(predicted: Iterable[str], true: Iterable[str]) -> Mapping[str, str]:
    """Return which predicted name stands for which true one, of those that are equal but for their endings.

    Names that are on both sides are taken, and where several of a side are equal without endings, none is meant.
    """
    predicted, true = set(predicted), set(true)
    mine, others = ({name: strip_endings(name) for name in side} for side in (predicted - true, true - predicted))
    once = [Counter(side.values()) for side in (mine, others)]
    by_bare = {bare: name for name, bare in others.items() if once[1][bare] == 1}
    return {name: by_bare[bare] for name, bare in sorted(mine.items()) if once[0][bare] == 1 and bare in by_bare}
