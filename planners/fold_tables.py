"""Folds out of a table that gives every case a fold, such as the public one of MAPPING for ATLAS R2.0 (Huo 2022)."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts.table_text import read_table
from dataset_fingerprints.names import counted, plain_name, some_of
from planners.plan import Fold

_NAMES = ("name", "case", "caseid", "casename", "id", "scan", "image", "file", "filename", "subject", "subjectid")
_FOLDS = ("fold", "foldindex", "foldid", "foldnumber", "kfold", "split")
# Names of the two or three sides of a single division, which are not folds of a cross-validation.
_SIDES = ("train", "training", "val", "valid", "validation", "test", "testing")
_SUFFIX = re.compile(r"(\.nii|\.nii\.gz|\.mha|\.nrrd)$", re.IGNORECASE)
_ATLAS = re.compile(r"(?<![a-z0-9])(r\d{3}s\d{3}|c\d{4}s\d{4})", re.IGNORECASE)
_BIDS = re.compile(r"sub-([A-Za-z0-9+]+)")
_VISIT = re.compile(r"(?:ses-?|^t|_t|_)0*(\d{1,2})(?=_|$)", re.IGNORECASE)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldTable:
    """Folds of a table.

    Attributes:
        folds: in the order of what the table calls them.
        names: what it calls them.
    """

    folds: tuple[Fold, ...]
    names: tuple[str, ...]

    def describe_numbers(self) -> str:
        """Return in words which fold of the table has which number here; empty where it has the same."""
        if all(name.isdecimal() and int(name) == number for number, name in enumerate(self.names)):
            return ""
        return ", ".join(f"{name} is fold {number} here" for number, name in enumerate(self.names))


def read_fold_table(path: Path, cases: Sequence[str]) -> FoldTable:
    """Read a table with a column of names and one of folds (`Name,Fold`), a line for each case.

    Names are those of the cases, or of their files (`sub-r001s001_ses-1_space-..._T1w`), or the patient's part of them
    (`r001s001`, for all visits). Cases that the data set does not have are only warned of.

    Raises:
        DataError: a column is not found, a case has no fold or two, or folds are sides such as `train`.
    """
    table = read_table(path)
    name, fold = _find_columns(path, table.columns)
    folds: dict[str, str] = {}
    index = _Index(cases)
    unknown = []
    for line in table.lines:
        found = index.find(line.cells[name])
        if not found:
            unknown.append(line.cells[name])
        elif not line.cells[fold]:
            raise DataError(f"{path}: line {line.number}: {line.cells[name]} has no fold. Fill it in.")
        for case in found:
            if folds.setdefault(case, line.cells[fold]) != line.cells[fold]:
                raise DataError(f"{path}: gives {case} two folds, {folds[case]} and {line.cells[fold]}. Keep one.")
    _refuse_missing(path, cases, folds, unknown)
    if unknown:
        have = counted(len(unknown), "case", "cases")
        logger.warning("%s: names %s that the data set does not have: %s.", path, have, some_of(unknown))
    numbers = sorted(set(folds.values()), key=lambda text: (len(text), text))
    _refuse_sides(path, fold, numbers)
    if len(numbers) < 2:
        raise DataError(f"{path}: gives all cases fold {numbers[0]}. Expected several folds in the column '{fold}'.")
    return FoldTable(folds=tuple(_make_fold(folds, number) for number in numbers), names=tuple(numbers))


def _find_columns(path: Path, columns: Sequence[str]) -> tuple[str, str]:
    found = []
    for what, known in (("the names of the cases", _NAMES), ("their folds", _FOLDS)):
        plain = {plain_name(column): column for column in reversed(columns)}
        column = next((plain[name] for name in known if name in plain), None)
        if column is None:
            raise DataError(
                f"{path}: has the columns {', '.join(columns)}, of which none holds {what}. Expected two, called Name "
                "and Fold."
            )
        found.append(column)
    return found[0], found[1]


def _refuse_missing(path: Path, cases: Sequence[str], folds: Mapping[str, str], unknown: Sequence[str]) -> None:
    missing = sorted(set(cases) - folds.keys())
    if missing:
        example = f" The table has names such as {unknown[0]}." if unknown else ""
        raise DataError(
            f"{path}: has no fold for {counted(len(missing), 'case')} of {len(cases)}: {some_of(missing)}.{example} "
            "Add them to the table, or take them out of the data set."
        )


def _refuse_sides(path: Path, column: str, numbers: Sequence[str]) -> None:
    sides = [number for number in numbers if number.casefold() in _SIDES]
    if sides:
        raise DataError(
            f"{path}: the column '{column}' says {' and '.join(sides)}. Expected numbers of folds: each is judged on "
            "its own cases and trained on all others. Give a single division as a JSON file: "
            '[{"train": [names], "val": [names]}].'
        )


def _make_fold(folds: Mapping[str, str], number: str) -> Fold:
    train = tuple(sorted(case for case, own in folds.items() if own != number))
    return Fold(train=train, validation=tuple(sorted(case for case, own in folds.items() if own == number)))


class _Index:
    """The cases of a data set by everything that a table may call them."""

    def __init__(self, cases: Iterable[str]) -> None:
        self._names = frozenset(cases)
        self._visits: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._people: dict[str, list[str]] = defaultdict(list)
        for case in sorted(self._names):
            person, visit = _identify(case)
            self._visits[person, visit].append(case)
            self._people[person].append(case)

    def find(self, name: str) -> list[str]:
        """Return the cases that a name stands for: one, or all of a patient if it names no visit."""
        stem = _SUFFIX.sub("", name)
        words = stem.split("_")
        starts = ("_".join(words[:end]) for end in range(len(words), 0, -1))
        whole = next((start for start in starts if start in self._names), None)
        if whole is not None:
            return [whole]
        person, visit = _identify(stem)
        if not visit:
            return self._people.get(person, [])
        # Whoever has patients of one visit each may leave it out of the names of the cases.
        found = self._visits.get((person, visit)) or self._visits.get((person, ""), [])
        return found if len(found) == 1 else []


def _identify(name: str) -> tuple[str, str]:
    """Return the patient and the number of the visit in a name; the visit may be empty."""
    known = _ATLAS.search(name) or _BIDS.search(name)
    if known is None:
        visit = _VISIT.search(name)
        person = (name[: visit.start()] if visit else name).casefold()
        # Spreadsheets take the zeros in front of a number away.
        return person.lstrip("0") if person.isdigit() else person, visit[1] if visit else ""
    visit = _VISIT.search(name[known.end() :])
    return known[1].casefold(), visit[1] if visit else ""
