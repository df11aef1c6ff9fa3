"""What tables say of the sessions of a release: days after the stroke, chronicity, site, and everything else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dataset_fingerprints.atlas.spreadsheets import SUFFIXES, Rows, read_sheets
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts.column_names import SITE_NAMES, known_cell
from dataset_fingerprints.names import plain_name, some_of
from dataset_fingerprints.reading.images import is_image

TABLE_SUFFIXES = SUFFIXES
# From so many days on, ATLAS calls a stroke chronic.
CHRONIC_DAYS = 180
CHRONIC, EARLY = "chronic", "early"

_SUBJECTS = ("subjectid", "indisubjectid", "participantid", "bidsid", "subject", "subid")
_SESSIONS = ("session", "sessionid", "ses")
_SITES = ("indisiteid", *SITE_NAMES)
_DAYS = ("dayspoststroke", "dayspost", "dayssincestroke", "timesincestrokedays")
_CHRONICITY = ("chronicity",)
# Titles may stand above the names of the columns.
_HEADER_ROWS = 10
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
_COHORT = re.compile(r"R\d{3}")
_ICPSR = re.compile(r"(c\d{4}s\d{4})(t\d{2})?", re.IGNORECASE)
_IN_SESSION = re.compile(r"(?P<subject>sub-[A-Za-z0-9+]+)(_(?P<session>ses-[A-Za-z0-9+]+))?", re.IGNORECASE)
_OF_SESSION = re.compile(r"(?P<subject>sub-[A-Za-z0-9+]+)(_(?P<session>ses-[A-Za-z0-9+]+))?_metadata", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What is known of a session beside its images.

    Attributes:
        days_post_stroke: None where it is unknown, or a placeholder (0 or less).
        chronicity: `chronic` from 180 days on, `early` before; empty where it is unknown.
        others: further columns of the tables, by name, without those that are unknown.
        remarks: what was odd.
    """

    site: str = ""
    days_post_stroke: float | None = None
    chronicity: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


# Site (empty where the table has none), subject and session, as tables and files share them.
_Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A row of a table: `shown` is whom it is of, as the table spells it."""

    key: _Key
    shown: str
    cells: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """All tables of a release.

    Attributes:
        rows: by site, subject and session, the columns by name.
        origins: the first table that has such a row, and whom it is of as spelled there.
        contradictions: what two rows of one table say differently.
        tables: the files that held rows.
        unread: the others, each with the reason.
    """

    rows: Mapping[_Key, Mapping[str, str]]
    origins: Mapping[_Key, tuple[Path, str]]
    contradictions: Mapping[_Key, tuple[str, ...]]
    tables: tuple[Path, ...]
    unread: tuple[tuple[Path, str], ...]

    def find(self, subject: str, session: str, site: str) -> Traits:
        """Return what is known of a session; the subject, session and site are those of its files."""
        found = [key for key in _keys_of(subject, session, site) if key in self.rows]
        cells: dict[str, str] = {}
        for key in found:
            cells = {**self.rows[key], **cells}
        traits = _make_traits(cells)
        against = [one for key in found for one in self.contradictions.get(key, ())]
        return replace(traits, remarks=(*traits.remarks, *against))

    def find_rows_without(self, sessions: Iterable[tuple[str, str, str]]) -> list[tuple[Path, str]]:
        """Return the rows that are of none of these (subject, session, site): their table, and whom they are of."""
        known = {key for one in sessions for key in _keys_of(*one)}
        return [origin for key, origin in self.origins.items() if key not in known]


def read_metadata(paths: Sequence[Path]) -> Metadata:
    """Read all tables that name subjects; what several say of a session is joined, of contradictions the first counts.

    Tables of one session come first, for they are the latest.
    """
    rows: dict[_Key, dict[str, str]] = {}
    origins: dict[_Key, tuple[Path, str]] = {}
    contradictions: dict[_Key, list[str]] = defaultdict(list)
    tables, unread = [], []
    for path in sorted(paths, key=lambda path: (_OF_SESSION.fullmatch(path.stem) is None, path)):
        try:
            read = [row for rows in read_sheets(path) for row in _read_table(path, rows)]
        except DataError as error:
            unread.append((path, str(error)))
            continue
        if not read:
            unread.append((path, "a table without a column of subjects"))
            continue
        tables.append(path)
        own: dict[_Key, dict[str, str]] = {}
        for row in read:
            origins.setdefault(row.key, (path, row.shown))
            contradictions[row.key] += _find_contradictions(path, own.get(row.key, {}), row.cells)
            own[row.key] = {**row.cells, **own.get(row.key, {})}
            rows[row.key] = {**row.cells, **rows.get(row.key, {})}
    return Metadata(
        rows=rows,
        origins=origins,
        contradictions={key: tuple(said) for key, said in contradictions.items() if said},
        tables=tuple(tables),
        unread=tuple(unread),
    )


def _find_contradictions(path: Path, first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """Say in one sentence what two rows of one session in a table say differently."""
    names = [name for name in second if name in first and plain_name(name) not in (*_SUBJECTS, *_SESSIONS)]
    differ = [f"{name} ({first[name]}, then {second[name]})" for name in names if first[name] != second[name]]
    if not differ:
        return []
    return [f"two rows of {path.name} contradict each other in {some_of(differ)}: the first row counts"]


def _read_table(path: Path, rows: Rows) -> list[_Row]:
    """Return the rows of a table; none where no column names subjects."""
    of_session = _OF_SESSION.fullmatch(path.stem)
    start = 0 if of_session else _find_header(rows)
    if start is None or len(rows) < start + 2:
        return []
    columns = rows[start]
    found = []
    for row in rows[start + 1 :]:
        cells = {name: cell for name, cell in zip(columns, row, strict=False) if name}
        subject, session = of_session.group("subject", "session") if of_session else _identify(cells)
        if subject:
            site = _pick(cells, ("indisiteid",))
            key = (_plain_site(site), _plain_subject(subject), _plain_session(session or ""))
            shown = subject if not session or session in subject else f"{subject} {session.strip()}"
            found.append(_Row(key=key, shown=shown, cells=_name_cells(columns, row)))
    return found


def _identify(cells: Mapping[str, str]) -> tuple[str, str]:
    """Return the subject and the session of a row; one cell may name both."""
    subject, session = _pick(cells, _SUBJECTS), _pick(cells, _SESSIONS)
    for pattern in (_IN_SESSION, _ICPSR):
        both = pattern.fullmatch(subject or session)
        if both:
            return both[1], both[both.re.groups] or ("" if session == both[0] else session)
    return subject, session


def _find_header(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the number of the row that names a column of subjects, or of sessions that name them."""
    named = (
        number
        for number, row in enumerate(rows[:_HEADER_ROWS])
        if {plain_name(name) for name in row} & {*_SUBJECTS, "sessionid"}
    )
    return next(named, None)


def _name_cells(columns: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """Return the known cells of a row by column; a cohort, R001, is the site in whatever column it stands."""
    cells: dict[str, str] = {}
    for name, cell in zip(columns, row, strict=False):
        if known_cell(cell):
            if _COHORT.fullmatch(cell):
                cells.setdefault("site", cell)
            elif name:
                cells[" ".join(name.split())] = " ".join(cell.split())
    return cells


def _keys_of(subject: str, session: str, site: str) -> list[_Key]:
    """Return how tables may name a session, the most exact one first."""
    who, visit = _plain_subject(subject), _plain_session(session)
    return [(place, who, one) for place in dict.fromkeys((_plain_site(site), "")) for one in (visit, "")]


def _pick(cells: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the cell of the first of the columns that is filled."""
    plain = {plain_name(name): cell for name, cell in cells.items()}
    return next((plain[name] for name in names if plain.get(name)), "")


def _plain_subject(subject: str) -> str:
    """Return a subject as tables and files share it: `sub-r001s001` is r001s001, and 31768 is 031768."""
    plain = subject.strip().casefold().removeprefix("sub-")
    if re.fullmatch(r"\d+(\.0)?", plain):
        return plain.split(".")[0].zfill(6)
    return plain


def _plain_session(session: str) -> str:
    """Return the number of a session, whatever stands in front of it: `ses-1`, ` t01` and 1 are one."""
    digits = re.search(r"(\d+)(\.0)?\s*$", session)
    return str(int(digits[1])) if digits else ""


def _plain_site(site: str) -> str:
    digits = re.search(r"\d+", site)
    return str(int(digits[0])) if digits and not _COHORT.fullmatch(site) else ""


def _make_traits(cells: Mapping[str, str]) -> Traits:
    remarks = []
    days_text, chronicity_text = _pick(cells, _DAYS), _pick(cells, _CHRONICITY)
    days = float(days_text) if _NUMBER.fullmatch(days_text) else None
    if days_text and days is None:
        remarks.append(f"days post stroke are '{days_text}', which is not a number: taken as unknown")
    if days is not None and days <= 0:
        remarks.append(f"days post stroke are {days_text}, a placeholder: taken as unknown")
        days = None
    chronicity = _read_chronicity(chronicity_text)
    if days is not None:
        by_days = CHRONIC if days >= CHRONIC_DAYS else EARLY
        if chronicity not in ("", by_days):
            remarks.append(f"CHRONICITY is {chronicity_text} at {days_text} days post stroke: taken as {by_days}")
        chronicity = by_days
    used = {*_SUBJECTS, *_SESSIONS, *_SITES, *_DAYS, *_CHRONICITY}
    return Traits(
        site=_pick(cells, _SITES),
        days_post_stroke=days,
        chronicity=chronicity,
        others={
            name: cell
            for name, cell in cells.items()
            if plain_name(name) not in used and not is_image(Path(cell))  # a table may list the files, too
        },
        remarks=tuple(remarks),
    )


def _read_chronicity(text: str) -> str:
    """Return the meaning of the column: 1 is chronic, from 180 days on; words are taken as they are."""
    if not text:
        return ""
    if _NUMBER.fullmatch(text):
        return {1.0: CHRONIC, 0.0: EARLY}.get(float(text), "")
    return text.casefold()
