"""Outcomes of cases, for classifiers: a table with a column that says of each case whether it has the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autoseg.pipeline.scores.case_tables import CASE
from dataset_fingerprints.errors import DataError, did_you_mean
from dataset_fingerprints.layouts.table_text import read_table
from dataset_fingerprints.names import natural_order, some_of

_SUBJECT = "subject"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeChoice:
    """Columns and the value that are asked for of a table.

    Attributes:
        path: of the table.
        column: with the outcome; empty for none.
        positive: the value that means that a case has it; empty for the last of two, as 1, yes or true are.
        by: the column of groups that are looked at apart; empty for none.
    """

    path: Path
    column: str = ""
    positive: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcomes:
    """Contents of a table of outcomes.

    Attributes:
        column: that says so; empty for none.
        has: whether a case has the outcome; cases of which that is not known are not in it.
        positive: the value that means so.
        groups: by case; empty without a column of groups.
        subjects: by case; a case itself where the table has no column for it.
    """

    column: str
    has: Mapping[str, bool]
    positive: str
    groups: Mapping[str, str]
    subjects: Mapping[str, str]


def read_outcomes(choice: OutcomeChoice) -> Outcomes:
    """Read the outcomes of cases.

    Raises:
        DataError: there is no such column, or the outcome does not have two values.
    """
    table = read_table(choice.path)
    for column in filter(None, (CASE, choice.column, choice.by)):
        if column not in table.columns:
            raise DataError(f"{choice.path}: has no column '{column}'. {did_you_mean(column, table.columns)}")
    cells: dict[str, Mapping[str, str]] = {}
    for line in table.lines:
        case = line.cells[CASE]
        if case in cells:
            raise DataError(f"{choice.path}: line {line.number}: lists the case {case} again. Keep one line for each.")
        cells[case] = line.cells
    known = {name: row[choice.column] for name, row in cells.items()} if choice.column else {}
    known = {name: value for name, value in known.items() if value}
    values = sorted(set(known.values()), key=natural_order)
    if choice.column and len(values) != 2:
        raise DataError(
            f"{choice.path}: {choice.column} has {len(values)} values ({some_of(values)}). Expected two, such as 0 and "
            "1; leave cells empty where it is not known."
        )
    positive = choice.positive or (values[-1] if values else "")
    if choice.column and positive not in values:
        raise DataError(
            f"--positive {positive}: no case of {choice.path} has it in {choice.column}. Expected "
            f"{' or '.join(values)}."
        )
    return Outcomes(
        column=choice.column,
        has={case: value == positive for case, value in known.items()},
        positive=positive,
        groups={case: row[choice.by] for case, row in cells.items()} if choice.by else {},
        subjects={case: row.get(_SUBJECT, "") or case for case, row in cells.items()},
    )
