"""Findings of a check in a line for people: how many of each kind, and which cases are meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from dataset_fingerprints.checking.checks import Finding
from dataset_fingerprints.names import some_of

# So many findings of a kind are named.
NAMED = 3
# A kind that is about two or more cases: their names are in the first sentence of the message.
_SHARED = "duplicate-image"


def count_kinds(findings: Sequence[Finding]) -> str:
    """Return the kinds of findings with their number and the first cases: `warning: empty-label (2: a, b)`."""
    kinds: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        kinds[finding.grade, finding.kind].append(finding)
    return ", ".join(f"{grade}: {kind} ({len(of)}: {_show(kind, of)})" for (grade, kind), of in kinds.items())


def _show(kind: str, findings: Sequence[Finding]) -> str:
    if kind == _SHARED:
        return some_of([f"{one.case} {one.message.split('. ')[0]}" for one in findings], NAMED, "; ")
    return some_of([_name(finding) for finding in findings], NAMED)


def _name(finding: Finding) -> str:
    """Return the name of a finding's case, or those of all that it is about where the message begins with them."""
    names, colon, _ = finding.message.partition(":")
    return names if colon and names.startswith((f"{finding.case},", f"{finding.case} (")) else finding.case
