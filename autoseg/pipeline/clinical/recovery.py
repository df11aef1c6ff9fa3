"""`recovery`: the proportional recovery rule for the people of a table of scores."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.clinical.recovery import BEST_SCORE, Recovery, RecoverySummary, summarise_recovery
from autoseg.pipeline.clinical.places import refuse_table_place
from autoseg.pipeline.scores.case_tables import CASE, WARNINGS, Table, join_warnings, show_figure, write_table
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts.column_names import ROLES
from dataset_fingerprints.layouts.table_text import Line, read_table
from dataset_fingerprints.layouts.table_text import Table as ReadTable
from dataset_fingerprints.names import plain_name, some_of

PREDICTED, OBSERVED, FITTER = "predicted change", "observed change", "as predicted"
_PERSON = ("id", *ROLES["subject"], *ROLES["case"])
_INITIAL = (
    *("initial", "pre", "baseline", "acute", "fmainitial", "fmueinitial", "fmauei", "fmaueinitial", "initialfmaue"),
    *("fmapre", "fmuepre", "fmaupre", "fmauepre", "fmabaseline", "fmauebaseline", "initialfma", "baselinefmaue"),
)
_FOLLOW_UP = (
    *("followup", "post", "final", "chronic", "outcome", "fmafollowup", "fmauefollowup", "fmuefollowup", "fmapost"),
    *("fmuepost", "fmauepost", "fma3months", "fma6months", "fmaue3months", "fmaue6months", "3months", "6months"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryColumns:
    """Names of the columns of a table of scores; empty for those that are called as usual."""

    person: str = ""
    initial: str = ""
    follow_up: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryResult:
    """The recovery of all people of a table; the summary is None where nobody has two scores."""

    people: tuple[Recovery, ...]
    summary: RecoverySummary | None


def measure_recovery(
    scores: Path, columns: RecoveryColumns, fitter_share: float, out: Path | None = None
) -> RecoveryResult:
    """Apply the proportional recovery rule to a table of scores, and write the table with its columns.

    Args:
        scores: a CSV or TSV with a person, an initial FMA-UE and, as far as it is known, one at follow-up per line.
        columns: their names.
        fitter_share: of the predicted recovery, what a person must reach to count as recovering by the rule.
        out: the file to write; None for none.

    Raises:
        DataError: a column is missing, a score is none, or something else lies at `out`.
    """
    if not 0 <= fitter_share <= 1:
        raise DataError(f"--fitter-share is {fitter_share:g}. Expected a share of the predicted recovery, 0 to 1.")
    if not scores.is_file():
        raise DataError(
            f"{scores}: {'is a folder' if scores.is_dir() else 'does not exist'}. Expected a CSV or TSV with the "
            "columns id, initial and follow_up."
        )
    if out is not None:
        refuse_table_place(out, [scores], (PREDICTED, OBSERVED))
    table = read_table(scores)
    person = _find_column(scores, table, columns.person, _PERSON, "id")
    initial = _find_column(scores, table, columns.initial, _INITIAL, "initial")
    follow_up = _find_column(scores, table, columns.follow_up, _FOLLOW_UP, "follow-up")
    if initial == follow_up:
        raise DataError(f"{scores}: '{initial}' is given for the initial score and for follow-up. Name two columns.")
    _refuse_twice(scores, [line.cells[person] for line in table.lines])
    people = tuple(
        Recovery(
            person=line.cells[person],
            initial=_read_score(scores, line, initial),
            follow_up=_read_score(scores, line, follow_up) if line.cells[follow_up] else None,
            fitter_share=fitter_share,
        )
        for line in table.lines
    )
    result = RecoveryResult(people=people, summary=summarise_recovery(people))
    if out is not None:
        write_table(out, make_recovery_table(result))
    return result


def _refuse_twice(path: Path, people: Sequence[str]) -> None:
    twice = [person for person, count in Counter(people).items() if person and count > 1]
    if twice:
        raise DataError(f"{path}: has several lines of {some_of(twice)}, who would count as often. Keep one of each.")


def _find_column(path: Path, table: ReadTable, named: str, usual: tuple[str, ...], what: str) -> str:
    fitting = [column for column in table.columns if plain_name(column) in usual]
    found = [named] if named in table.columns else [] if named else fitting
    if len(found) == 1:
        return found[0]
    option = f"--{what}"
    if named or not found:
        missing = f"no column '{named}'" if named else f"no column that is called {usual[0]} or alike"
        raise DataError(
            f"{path}: has {missing}. Found: {', '.join(table.columns)}. Name the one that is meant: {option}."
        )
    raise DataError(
        f"{path}: has several columns for {what}: {', '.join(found)}. Name the one that is meant: {option}."
    )


def _read_score(path: Path, line: Line, column: str) -> float:
    text = line.cells[column]
    try:
        score = float(text.replace(",", "."))
    except ValueError:
        score = math.nan
    if not 0 <= score <= BEST_SCORE:
        raise DataError(
            f"{path}: line {line.number}: {column} is '{text}'. Expected an FMA-UE score of 0 to {BEST_SCORE:g}; leave "
            "a follow-up that is not known empty."
        )
    return score


def make_recovery_table(result: RecoveryResult) -> Table:
    """Return a row per person."""
    rows = []
    for one in result.people:
        fits = one.is_fitter()
        rows.append(
            {
                CASE: one.person,
                "initial": f"{one.initial:g}",
                "follow-up": "" if one.follow_up is None else f"{one.follow_up:g}",
                PREDICTED: show_figure(one.predicted(), 1),
                OBSERVED: "" if one.observed() is None else f"{one.observed():g}",
                FITTER: "" if fits is None else "yes" if fits else "no",
                WARNINGS: join_warnings([*_remark(one)]),
            }
        )
    columns = (CASE, "initial", "follow-up", PREDICTED, OBSERVED, FITTER, WARNINGS)
    return Table(columns=columns, rows=tuple(rows))


def _remark(one: Recovery) -> Iterator[str]:
    if (one.observed() or 0) < 0:
        yield "the score got worse."
    if one.initial >= BEST_SCORE:
        yield "had the best score from the start, and counts in no figure."
