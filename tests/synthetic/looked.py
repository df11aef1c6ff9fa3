"""Names that count how often any of them is looked up: work that grows as pairs of cases do looks far more often."""

from __future__ import annotations


class Looked(str):
    """A name that counts how often it, or another one, is looked up in a set or a mapping."""

    times = 0

    def __hash__(self) -> int:
        Looked.times += 1
        return super().__hash__()
