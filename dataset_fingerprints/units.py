"""Groups of cases that must never lie in different folds: those of one subject, and those of one group."""

from __future__ import annotations

from collections.abc import Iterable

from dataset_fingerprints.dataset import Case
from dataset_fingerprints.fingerprint import CaseFingerprint


def find_units(cases: Iterable[Case | CaseFingerprint]) -> dict[str, str]:
    """Return the unit of every case, by the case's name.

    Cases that share a subject or a group are of one unit, also through others: a group of which one subject has a
    second case outside of it keeps that case, too. A unit is called like the first of its subjects by name.
    """
    parents: dict[tuple[str, str], tuple[str, str]] = {}

    def root_of(node: tuple[str, str]) -> tuple[str, str]:
        parents.setdefault(node, node)
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    subjects: dict[str, str] = {}
    for case in cases:
        subjects[case.name if isinstance(case, Case) else case.case] = case.subject
        subject = root_of(("subject", case.subject))
        if case.group:
            parents[root_of(("group", case.group))] = subject
    names: dict[tuple[str, str], str] = {}
    for subject_name in sorted(set(subjects.values())):
        names.setdefault(root_of(("subject", subject_name)), subject_name)
    return {name: names[root_of(("subject", subject_name))] for name, subject_name in subjects.items()}
