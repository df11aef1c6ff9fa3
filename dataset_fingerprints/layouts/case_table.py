"""cases.tsv beside the dataset.json of an nnU-Net folder: subjects, sessions, sites, and whatever else is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts.column_names import known_cell
from dataset_fingerprints.layouts.table_text import read_table
from dataset_fingerprints.names import counted

NAME = "cases.tsv"
_CASE = "case"
_READ = ("subject", "session", "site", "group", "task")
# Of the same table, for people: which folder a case lies in, and what its label map says itself.
_KNOWN_OTHERWISE = ("set",)


def describe_cases(root: Path, cases: Sequence[Case]) -> tuple[Case, ...]:
    """Return cases with what the table beside them says; those that it does not list, and all without one, as they are.

    Columns are `case`, `subject`, `session`, `site`, `group`, `task`; others are kept with the case by their names.

    Raises:
        DataError: there is a table, but it cannot be read or lists none of the cases: without it, folds could part
            the scans of one subject.
    """
    path = root / NAME
    if not path.is_file():
        return tuple(cases)
    table = read_table(path)
    if _CASE not in table.columns:
        raise DataError(
            f"{path}: has the columns {', '.join(table.columns)}. Expected '{_CASE}' and, if known, "
            f"{', '.join(_READ)}: name the columns so, or move the file away."
        )
    lines = {line.cells[_CASE]: line.cells for line in table.lines}
    if len(lines) != len(table.lines):
        raise DataError(f"{path}: lists a case twice. Keep one line for each.")
    if cases and not any(case.name in lines for case in cases):
        raise DataError(
            f"{path}: lists none of the {counted(len(cases), 'case')} of the data set: its first line is of "
            f"'{table.lines[0].cells[_CASE]}', the first case is '{cases[0].name}'. Write the names of the label maps "
            f"without their suffix into '{_CASE}', or move the file away."
        )
    return tuple(_describe(case, lines[case.name]) if case.name in lines else case for case in cases)


def _describe(case: Case, cells: Mapping[str, str]) -> Case:
    read = {name: cells[name] for name in _READ if known_cell(cells.get(name, ""))}
    others = {name: cell for name, cell in cells.items() if cell and name not in (_CASE, *_READ, *_KNOWN_OTHERWISE)}
    return replace(
        case,
        subject=read.get("subject", case.subject),
        session=read.get("session", case.session),
        site=read.get("site", case.site),
        group=read.get("group", case.group),
        task=read.get("task", case.task),
        others={**case.others, **others},
    )
