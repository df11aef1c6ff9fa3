"""Traits of cases: out of a workspace, the data set of the references, or a table that a person has."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from autoseg.evaluation.analysis.groups import refuse_unknown
from autoseg.evaluation.traits import CaseTraits, read_session, read_subject
from autoseg.pipeline.outputs import read_dataset_of
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.layouts import Selection, find_layout, read_dataset
from dataset_fingerprints.layouts.column_names import ROLES, SITE_NAMES
from dataset_fingerprints.layouts.table_text import read_table
from dataset_fingerprints.names import plain_name, some_of

_log = logging.getLogger(__name__)

# Of a data set, beside its scans: `autoseg simulate` writes it.
TABLE = "cases.csv"
# Names of columns without blanks and signs.
_DAYS = ("dayspoststroke", "dayssincestroke", "dayspost", "timesincestrokedays")
_CHRONICITY = ("chronicity", "strokephase", "strokestage")
_NAMES = {"chronicity": _CHRONICITY, "site": (*SITE_NAMES, "indisiteid"), "days_post_stroke": _DAYS}
# Of those that are known, what every file of scores holds.
_USUAL = ("chronicity", "days_post_stroke", "site", "task")
_UNKNOWN = ("", "n/a", "na", "nan", "none", "null", "unknown")
# ATLAS calls a stroke chronic from half a year on, and writes 1 for it.
_CHRONIC_DAYS, _CHRONIC, _EARLY = 180.0, "chronic", "early"


def find_traits(
    cases: Sequence[str],
    reference: Path,
    *,
    workspace: Workspace | None = None,
    table: Path | None = None,
    selection: Selection | None = None,
) -> tuple[CaseTraits, ...]:
    """Return what is known of cases: a table counts before a workspace, and a workspace before the references.

    The references' own `cases.csv`, where it is a table that training takes, counts last.

    Args:
        cases: their names.
        reference: the label maps; where they are a data set, it is asked.
        workspace: whose data set is asked, or None.
        table: a CSV or TSV with a line per case or per subject, or None.
        selection: the kind of label maps of the data set, where there are several.

    Raises:
        DataError: the table cannot be read, names no case, or none of these.
        AutosegError: the workspace cannot be read.
    """
    sources = [] if table is None else [_Known(_join_lines(table, _read_lines(table)))]
    sources.append(
        _Known(_traits_of(_read_cases(reference, selection)) if workspace is None else workspace_traits(workspace))
    )
    # A layout that has no sites, such as nnU-Net's, may keep them in a table of its cases.
    sources.append(_Known(_traits_of(_read_cases(reference / TABLE, None))))
    found = {case: [match for source in sources if (match := source.find(case))] for case in cases}
    if table is not None and not any(sources[0].find(case) for case in cases):
        raise DataError(
            f"{table}: names none of the cases ({some_of(cases)}). Expected a column 'case' or 'subject' with their "
            "names."
        )
    joined = (_join(case, known) for case, known in found.items())
    return tuple(one for one in joined if one.subject or one.known)


def choose_traits(asked: Sequence[str], traits: Sequence[CaseTraits]) -> tuple[tuple[str, ...], tuple[CaseTraits, ...]]:
    """Return traits by the names that they have in tables, and cases with these and the usual ones only.

    What else a table says of patients, such as their age, goes into no file of scores unless it is asked for.

    Args:
        asked: names in any spelling, several of them separated by commas or not.
        traits: of cases.

    Raises:
        DataError: what is asked for is known of no case.
    """
    known = {plain_name(name): name for one in traits for name in one.known}
    words = [word.strip() for text in asked for word in text.split(",") if word.strip()]
    names = tuple(dict.fromkeys(known.get(plain_name(word), word) for word in words))
    kept = {*_USUAL, *names}
    refuse_unknown(names, traits)
    chosen = (replace(one, known={name: one.known[name] for name in one.known if name in kept}) for one in traits)
    return names, tuple(one for one in chosen if one.subject or one.known)


def workspace_traits(workspace: Workspace) -> tuple[CaseTraits, ...]:
    """Return what a workspace's data set says of its cases; empty where it cannot be read."""
    dataset = read_dataset_of(workspace)
    return tuple(_traits_of(dataset.cases)) if dataset else ()


def usual_traits(workspace: Workspace) -> tuple[CaseTraits, ...]:
    """Return the subjects of a workspace's cases, and what every file of scores holds of them."""
    return choose_traits((), workspace_traits(workspace))[1]


class _Known:
    """Traits of one source, found by a case's name, or by its subject and session in BIDS."""

    def __init__(self, traits: Iterable[CaseTraits]) -> None:
        self._by_name: dict[str, CaseTraits] = {}
        for one in traits:
            self._by_name.setdefault(one.case, one)

    def find(self, case: str) -> CaseTraits | None:
        subject, session = read_subject(case), read_session(case)
        names = (case, f"{subject}_{session}", subject) if subject else (case,)
        return next((self._by_name[name] for name in names if name in self._by_name), None)


def _join(case: str, found: Sequence[CaseTraits]) -> CaseTraits:
    known: dict[str, str] = {}
    for one in reversed(found):
        known |= one.known
    subject = next((one.subject for one in found if one.subject), "")
    return CaseTraits(case=case, subject=subject, known=known)


def _traits_of(cases: Sequence[Case]) -> Iterator[CaseTraits]:
    """Yield the traits of a data set's cases; a subject that is called like its only case says nothing."""
    counts = Counter(case.subject for case in cases)
    for case in cases:
        subject = case.subject if case.subject != case.name or counts[case.subject] > 1 else ""
        known = {"site": case.site, "session": case.session, "task": case.task, **case.others}
        yield CaseTraits(case=case.name, subject=subject, known=_with_plain_names(known))


def _with_plain_names(cells: Mapping[str, str]) -> dict[str, str]:
    """Return what is known, site and chronicity under these names; chronicity follows from the days, too."""
    known = {name: cell for name, cell in cells.items() if cell.strip().casefold() not in _UNKNOWN}
    for name, spellings in _NAMES.items():
        found = next((column for column in known if plain_name(column) in spellings), None)
        if found is not None and found != name:
            known[name] = known.pop(found)
    days = _as_days(known.get("days_post_stroke", ""))
    if days is None:
        known.pop("days_post_stroke", None)
    if days is not None:
        known["chronicity"] = _CHRONIC if days >= _CHRONIC_DAYS else _EARLY
    elif known.get("chronicity") in ("1", "1.0"):
        known["chronicity"] = _CHRONIC
    elif known.get("chronicity") in ("0", "0.0"):
        known["chronicity"] = _EARLY
    return known


def _as_days(text: str) -> float | None:
    """Return days after the stroke; None where they are no number, or a placeholder (0 or less)."""
    try:
        days = float(text)
    except ValueError:
        return None
    return days if days > 0 else None


def _read_lines(path: Path) -> list[CaseTraits]:
    if not path.is_file():
        raise DataError(f"{path}: does not exist. Expected a table of cases (CSV or TSV) for --traits.")
    table = read_table(path)
    columns = {role: _find_column(table.columns, role) for role in ("case", "subject", "session")}
    if columns["case"] is None and columns["subject"] is None:
        raise DataError(
            f"{path}: has the columns {some_of(table.columns, 10)}. Expected one called 'case' or 'subject' with the "
            "names of cases."
        )
    used = {column for column in columns.values() if column is not None}
    traits = []
    for line in table.lines:
        case, subject, session = (
            line.cells[column] if (column := columns[role]) else "" for role in ("case", "subject", "session")
        )
        others = {name: cell for name, cell in line.cells.items() if name not in used}
        known = _with_plain_names({"session": session, **others})
        for name in [case] if case else _spell(subject, session):
            traits.append(CaseTraits(case=name, subject=subject, known=known))
    return traits


def _join_lines(path: Path, lines: Iterable[CaseTraits]) -> Iterator[CaseTraits]:
    """Yield one line per name; what several lines of one name contradict each other in is not known, which is said."""
    named: dict[str, list[CaseTraits]] = defaultdict(list)
    for one in lines:
        named[one.case].append(one)
    differing: dict[str, list[str]] = defaultdict(list)
    for name, own in named.items():
        values = {trait: {one.known.get(trait, "") for one in own} for one in own for trait in one.known}
        known = {trait: next(iter(found)) for trait, found in values.items() if len(found) == 1}
        for trait in values.keys() - known.keys():
            differing[trait].append(name)
        yield replace(own[0], known=known)
    for trait, names in sorted(differing.items()):
        _log.warning(
            "%s: several lines name %s and differ in %s, which is taken as unknown there. Keep one line of each",
            path,
            some_of(names, 5),
            trait,
        )


def _spell(subject: str, session: str) -> list[str]:
    """Return the names that cases of a subject can have, with their session where it is given."""
    people = [subject] if subject.startswith("sub-") else [subject, f"sub-{subject}"]
    if not session:
        return people
    visits = [session] if session.startswith("ses-") else [session, f"ses-{session}"]
    return [f"{person}_{visit}" for person in people for visit in visits]


def _find_column(columns: Sequence[str], role: str) -> str | None:
    return next((column for column in columns if plain_name(column) in ROLES[role]), None)


def _read_cases(reference: Path, selection: Selection | None) -> tuple[Case, ...]:
    """Return the cases of the data set that references lie in; none where these are no data set with its scans."""
    with suppress(AutosegError, OSError):
        if find_layout(reference):
            return read_dataset(reference, *([] if selection is None else [selection])).cases
    return ()
