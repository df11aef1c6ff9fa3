"""The report of `check` on a terminal: what the cases are like, what was found in them, and how many of each grade."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from autoseg.cli.terminal.display import console
from dataset_fingerprints.names import counted, some_of

if TYPE_CHECKING:
    from autoseg.pipeline.plans.inspecting import CheckReport
    from dataset_fingerprints.checking.checks import Finding

# Of one kind, so many findings are shown in full.
_SHOWN = {"error": 10}
_SHOWN_OTHERS = 3
# Cases that are named where their findings are not shown.
_NAMED = 5
_GRADES = ("error", "warning", "fixed")


def show_report(report: CheckReport) -> None:
    """Show a report; messages and the paths in them stay whole, whatever the width of the terminal."""
    verdict = "" if report.findings else ", nothing to report"
    console.print(f"{report.dataset}: {counted(report.cases, 'case')}{verdict}.", soft_wrap=True)
    width = max((len(about) for about, _ in report.overview), default=0)
    for about, text in report.overview:
        console.print(f"  {about + ':':<{width + 1}} {text}", soft_wrap=True)
    kinds: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in report.findings:
        kinds[finding.grade, finding.kind].append(finding)
    for grade, kind in sorted(kinds, key=lambda key: _GRADES.index(key[0])):
        _show_kind(kinds[grade, kind])
    console.print(_count(report.findings), soft_wrap=True)


def _show_kind(findings: Sequence[Finding]) -> None:
    """Show findings of one kind, and name the cases of those beyond the first ones."""
    shown = _SHOWN.get(findings[0].grade, _SHOWN_OTHERS)
    for finding in findings[:shown]:
        console.print(f"{finding.grade} │ {finding.case} │ {finding.kind}", soft_wrap=True)
        console.print(f"    {finding.message}", soft_wrap=True)
    if rest := findings[shown:]:
        # A case can have several of a kind.
        cases = dict.fromkeys(finding.case for finding in rest)
        more = f"{counted(len(rest), 'more finding')} of this kind in {counted(len(cases), 'case')}"
        console.print(f"    {more}: {some_of([*cases], _NAMED)}. -o FILE lists all.", soft_wrap=True)


def _count(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each grade."""
    errors, warnings, fixed = (sum(finding.grade == grade for finding in findings) for grade in _GRADES)
    found = [
        counted(errors, "error") if errors else "No errors",
        counted(warnings, "warning") if warnings else "no warnings",
    ]
    return f"{', '.join(found)}{f'; {fixed} put right on the way' if fixed else ''}."
