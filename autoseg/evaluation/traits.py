"""Traits of cases that scores are grouped by: subject, session, site, chronicity, and what a table says beside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

UNKNOWN = "unknown"
# Names of cases in BIDS begin with their subject.
_BIDS = re.compile(r"(?P<subject>sub-[A-Za-z0-9]+)(?:_(?P<session>ses-[A-Za-z0-9]+))?(?:_.*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseTraits:
    """What is known of one case.

    Attributes:
        subject: cases of one subject are drawn together where intervals are made; empty for one of its own.
        known: further traits by name, for example site and chronicity; one that is not known is left out.
    """

    case: str
    subject: str = ""
    known: Mapping[str, str] = field(default_factory=dict)


NO_TRAITS: tuple[CaseTraits, ...] = ()


def find_subjects(cases: Sequence[str], traits: Sequence[CaseTraits]) -> tuple[str, ...] | None:
    """Return the subject of every case, as `name_subjects` does; None where no two cases are of one."""
    subjects = name_subjects(cases, traits)
    return subjects if len(set(subjects)) < len(subjects) else None


def name_subjects(cases: Sequence[str], traits: Sequence[CaseTraits]) -> tuple[str, ...]:
    """Return the subject of every case: known, or as names in BIDS say, or else one of its own."""
    named = {one.case: one.subject for one in traits if one.subject}
    # A case is no subject: the sign keeps both names apart.
    return tuple(named.get(case, "") or read_subject(case) or f"={case}" for case in cases)


def find_trait(name: str, cases: Sequence[str], traits: Sequence[CaseTraits]) -> tuple[str, ...]:
    """Return the trait of every case; `UNKNOWN` where it is not known."""
    known = {one.case: one.known.get(name, "") for one in traits}
    return tuple(known.get(case, "") or UNKNOWN for case in cases)


def read_subject(case: str) -> str:
    """Return the subject that a case's name in BIDS begins with, `sub-...`; empty for another name."""
    match = _BIDS.fullmatch(case)
    return match["subject"] if match else ""


def read_session(case: str) -> str:
    """Return the session in a case's name in BIDS, `ses-...`; empty for another name."""
    match = _BIDS.fullmatch(case)
    return (match["session"] or "") if match else ""
