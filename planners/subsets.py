"""Training on some of the cases: those of which a table says the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dataset_fingerprints.dataset import DATA_SET, Case
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.names import plain_name, some_of

# Of a case itself; other columns of a table are kept beside.
_FIELDS = ("subject", "session", "site", "group", "task")


@dataclass(frozen=True, kw_only=True, slots=True)
class CasesWhere:
    """The cases of which a column says one value, for example `posture` prone.

    A configuration with it trains on these of each fold's training cases, and is judged on all cases that are left to
    the fold, so that scores by the column show how it does on the others.

    Attributes:
        column: of the table of cases, in any spelling: `site`, `session`, or whatever else it says.
        value: as it is written there.
    """

    column: str
    value: str

    def describe(self) -> str:
        """Return the condition in words, which is also its name among a plan's splits."""
        return f"{self.column} is {self.value}"

    def choose(self, cases: Iterable[Case], beside: Iterable[CasesWhere] = ()) -> tuple[str, ...]:
        """Return the names of the cases that it holds for.

        Args:
            cases: to choose from.
            beside: all conditions of a plan, for the message.

        Raises:
            PlanError: it holds for none; the message says which values there are.
        """
        said = {case.name: read_column(case, self.column) for case in cases}
        chosen = tuple(sorted(name for name, value in said.items() if value == self.value))
        if chosen:
            return chosen
        values = sorted({value for value in said.values() if value})
        there = f"has {some_of(values, 10)}" if values else "is empty or not there"
        raise PlanError(
            f"only_cases asks for cases of which {self.describe()}, and there is none: the column '{self.column}' "
            f"{there}. {self._advise(beside)}"
        )

    def _advise(self, beside: Iterable[CasesWhere]) -> str:
        """Return how the column comes about."""
        if plain_name(self.column) != plain_name(DATA_SET):
            return "Give it in the table of the cases (cases.tsv beside dataset.json, or a column of the CSV)."
        same = [one.value for one in beside if one.column == self.column] or [self.value]
        named = " ".join(f"{value}=DATA" for value in dict.fromkeys(same))
        return (
            f"`autoseg combine {named} -o BOTH` makes a data set with it: each DATA is the folder of a data set whose "
            "scans have label maps of that kind; add --same-subjects where a subject is in several. Plan for BOTH."
        )


def read_column(case: Case, column: str) -> str:
    """Return what a table says of a case in a column of this name, in any spelling; empty where it says nothing."""
    wanted = plain_name(column)
    if wanted in _FIELDS:
        return str(getattr(case, wanted))
    return next((value for name, value in case.others.items() if plain_name(name) == wanted), "")


def choose_subsets(wanted: Iterable[CasesWhere | None], cases: Iterable[Case]) -> Mapping[str, tuple[str, ...]]:
    """Return the cases of each condition by its name.

    Raises:
        PlanError: one holds for no case.
    """
    known, conditions = tuple(cases), tuple(one for one in wanted if one is not None)
    return {one.describe(): one.choose(known, conditions) for one in conditions}
