"""Findings in a line: how many of a kind, and which cases are meant."""

from __future__ import annotations

from dataset_fingerprints.checking.checks import Finding
from dataset_fingerprints.checking.summary import count_kinds


def finding(case: str, kind: str, message: str = "is odd. Look.") -> Finding:
    return Finding(case=case, grade="warning", kind=kind, message=message)


def test_the_first_cases_of_a_kind_are_named() -> None:
    assert count_kinds([finding("a", "empty-label")]) == "warning: empty-label (1: a)"
    many = [finding(name, "empty-label") for name in "abcde"]
    assert count_kinds(many) == "warning: empty-label (5: a, b, c and 2 more)"


def test_both_cases_of_a_duplicate_are_named() -> None:
    twins = [finding(name, "duplicate-image", f"has the same image file as {name}2. Keep one.") for name in "abcd"]
    expected = "; ".join(f"{name} has the same image file as {name}2" for name in "abc")
    assert count_kinds(twins) == f"warning: duplicate-image (4: {expected} and 1 more)"


def test_a_finding_about_many_cases_names_them() -> None:
    message = "a, b and 2 more (.tif): a format. Convert them."
    assert count_kinds([finding("a", "assumed-place", message)]) == (
        "warning: assumed-place (1: a, b and 2 more (.tif))"
    )
