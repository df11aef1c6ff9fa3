"""A rule that can be switched, in words: what it does, and what speaks for and against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        meaning: what it does and when.
        effect: what it did where it was tried, in a sentence; empty where it was not.
        tested: the heading in experiments/LOG.md under which that was measured.
        outcome: what a plan would have with it, behind "would have"; empty where `meaning` says it.
        source: figures of its source that speak for it; empty for rules of our own.
        against: what its source leaves open, or says otherwise.
        kind: whether the planner carries it out, does so in any case, or leaves it to a person.
    """

    meaning: str
    effect: str = ""
    tested: str = ""
    outcome: str = ""
    source: str = ""
    against: str = ""
    kind: Literal["switched", "always", "advice"] = "switched"
