"""The part of the page about what to look at by eye first: cases whose masks, or references, may be wrong."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation import CaseScores
from autoseg.pipeline.confidence.assessing import DICE, sort_by_dice
from autoseg.pipeline.page.gathering import Gathered
from autoseg.pipeline.predictions.places import TABLE, report_folder
from autoseg.pipeline.scans.scan_warnings import compare_cases
from autoseg.pipeline.scores.case_tables import CASE, WARNINGS, join_warnings, read_table
from autoseg.pipeline.scores.score_tables import Name, find_odd_scores, mean_dice, order_by_dice, volumes_of
from autoseg.pipeline.scores.showing import show_ml
from autoseg.reporting.page import Section, Table
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted

# Cases and new scans that are listed, and those that count as the worst.
_CASES, _SCANS, _WORST = 15, 15, 5
# A volume so many times too large or too small, where neither is less than the smallest, is remarked on.
_TIMES, _SMALLEST_ML = 5.0, 0.1
_GRADES = ("error", "warning")
_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Doubt:
    """A reason to look at a case, and how much it weighs beside others."""

    reason: str
    weight: float


def describe_doubts(found: Gathered, predictions: Path | None) -> Section | None:
    """Return which cases and new scans to look at first, and why; None where nothing is remarkable.

    Args:
        found: in the workspace.
        predictions: a folder of masks that `predict` wrote; None for none.

    Raises:
        DataError: the folder has no table of its scans.
    """
    tables = [
        table
        for table in (_list_cases(found), _list_scans(predictions, by_dice=_are_ordered(found)))
        if table is not None
    ]
    if not tables:
        return None
    lead = (
        "Before any figure is believed. A low score may be an error of the network, but as well one of the reference, "
        "of the scan or of its header: look at the scan with both masks."
    )
    return Section(key="first", title="To look at by eye first", lead=lead, blocks=tables)


def find_doubts(found: Gathered) -> Mapping[str, list[_Doubt]]:
    """Return the reasons to look at each case that has some."""
    doubts: dict[str, list[_Doubt]] = defaultdict(list)
    for case, doubt in (*_doubt_scores(found), *_doubt_findings(found), *_doubt_likeness(found)):
        doubts[case].append(doubt)
    return doubts


def _doubt_scores(found: Gathered) -> Iterator[tuple[str, _Doubt]]:
    if found.evaluation is None:
        return
    name_of = found.showing().name_of
    # Without a Dice are cases in which neither mask holds anything, by conventions that do not score these.
    ordered = order_by_dice(case for case in found.evaluation.cases if mean_dice(case) is not None)
    for rank, case in enumerate(ordered[: min(_WORST, len(ordered) // 2)]):
        which = "the lowest Dice" if rank == 0 else f"the {_count(rank + 1)} lowest Dice"
        yield case.case, _Doubt(reason=f"{which} of {len(ordered)}.", weight=2 - rank / _WORST)
    for case in found.evaluation.cases:
        for sentence in find_odd_scores(case, name_of):
            yield case.case, _Doubt(reason=sentence, weight=3)
        yield from ((case.case, _Doubt(reason=reason, weight=1)) for reason in _compare_volumes(case, name_of))


def _compare_volumes(case: CaseScores, name_of: Name) -> Iterator[str]:
    for label in case.labels:
        true, predicted = volumes_of(label)
        if min(true, predicted) > 0 and max(true, predicted) >= _SMALLEST_ML:
            ratio = predicted / true
            name = name_of(label.label)
            if ratio >= _TIMES:
                yield f"{name}: predicted {ratio:,.0f} times as large as in the reference ({show_ml(true)})."
            elif ratio <= 1 / _TIMES:
                yield f"{name}: predicted at {100 * ratio:.0f} % of the reference's {show_ml(true)}."


def _doubt_findings(found: Gathered) -> Iterator[tuple[str, _Doubt]]:
    for finding in found.report.findings if found.report is not None else ():
        if finding.grade in _GRADES:
            # What to do about it stands with the findings of check, among the data.
            first = _SENTENCE.split(finding.message, maxsplit=1)[0]
            yield finding.case, _Doubt(reason=f"check: {first}", weight=2 if finding.grade == "error" else 1)


def _doubt_likeness(found: Gathered) -> Iterator[tuple[str, _Doubt]]:
    """Yield in what cases are unlike those that their fold trained on."""
    for fold in found.own():
        for case, messages in compare_cases(found.workspace, fold.run).items():
            for message in messages:
                yield case, _Doubt(reason=f"Unlike the training cases: {message}", weight=0.5)


def _list_cases(found: Gathered) -> Table | None:
    doubts = find_doubts(found)
    if not doubts:
        return None
    dice = {case.case: mean_dice(case) for case in found.evaluation.cases} if found.evaluation is not None else {}
    ordered = sorted(doubts, key=lambda case: (-sum(one.weight for one in doubts[case]), dice.get(case) or 0.0, case))
    rows = [(case, _show(dice.get(case)), _join(one.reason for one in doubts[case])) for case in ordered[:_CASES]]
    note = f"The first {_CASES} of {len(ordered)}." if len(ordered) > _CASES else ""
    title = f"{counted(len(ordered), 'case')} of the data set"
    return Table(title=title, columns=("case", "Dice", "why"), rows=rows, numeric=frozenset((1,)), note=note)


def _are_ordered(found: Gathered) -> bool:
    """Return whether masks of a lower predicted Dice are worse, as far as that was measured in the workspace."""
    measured = [one.scan for one in found.explanation.predicted_dice if one.scan is not None]
    return not measured or any(error.orders() for error in measured)


def _list_scans(predictions: Path | None, *, by_dice: bool) -> Table | None:
    """Return the new scans with a predicted Dice, those of the lowest first if asked for, and those with warnings."""
    if predictions is None:
        return None
    place = report_folder(predictions) / TABLE
    table = read_table(place)
    if table is None:
        raise DataError(
            f"{place}: is not there, or is not the table that `autoseg predict` writes beside its masks. Name the "
            "folder of the masks with --predictions."
        )
    rows_of_table = [row for row in table.rows if row.get(DICE) or row.get(WARNINGS)]
    ordered = sort_by_dice(rows_of_table) if by_dice else rows_of_table
    rows = [(row[CASE], row.get(DICE) or "-", row.get(WARNINGS) or "") for row in ordered[:_SCANS]]
    if not rows:
        return None
    note = f"The first {_SCANS} of {len(ordered)}; the table beside the masks has all." if len(ordered) > _SCANS else ""
    columns = ("scan", "predicted Dice", "warnings")
    title = f"New scans{', lowest predicted Dice first' if by_dice else ''}"
    return Table(title=title, columns=columns, rows=rows, numeric=frozenset((1,)), note=note)


def _join(reasons: Iterable[str]) -> str:
    return join_warnings(tuple(dict.fromkeys(reasons)))


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _count(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
