"""Records of a search: what it was begun with, each trial, and the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autoseg.models.selection import ScoreName, Trial
from autoseg.pipeline.tuning.schedule import Length, Schedule
from dataset_fingerprints.names import check_case_names, check_fold_name, check_folder_name
from planners.plan import Fold

SCHEMA_VERSION = 1
# Of a damaged file.
REMEDY = "Put a copy of the file back, or begin the search anew with `autoseg tune FOLD --restart`."
AS_PLANNED = "as planned"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """Values that are tried in the place of the plan's own.

    Attributes:
        number: 0 for the plan as it is.
        changes: by what is varied (`planners.editing.alternatives.OPEN`), the alternative; empty for the plan as it is.
        assignments: what `--set` would be given; with smaller sizes where what was drawn needs more memory.
        refused: why it is not trained; empty where it is.
    """

    number: int
    changes: Mapping[str, str] = field(default_factory=dict)
    assignments: tuple[str, ...] = ()
    refused: str = ""

    def describe(self) -> str:
        """Return the candidate in words."""
        return ", ".join(f"{what} {name}" for what, name in self.changes.items()) or AS_PLANNED


@dataclass(frozen=True, kw_only=True, slots=True)
class RungResult:
    """Scores of a candidate on the inner validation cases after a rung.

    Attributes:
        rung: counted from 0.
        iterations: steps in all.
        seconds: of training, in all.
    """

    rung: int
    iterations: int
    seconds: float
    score: float
    dice: float
    lesion_f1: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRecord:
    """One candidate, and its scores so far."""

    candidate: Candidate
    results: tuple[RungResult, ...] = ()
    schema_version: int = SCHEMA_VERSION

    def result(self, rung: int) -> RungResult | None:
        """Return the result of a rung, or None."""
        return next((result for result in self.results if result.rung == rung), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Result of a search.

    Attributes:
        best: number of the candidate that was best in the search.
        assignments: its values, as a plan gets them.
        trial: the question whether it is better than the plan as it is, with the answer; null without a proof.
        reason: of an outcome without a proof.
        length: of the trainings that were compared; null without a proof.
        pairs: trainings by each side.
        comparisons: made on the fold's validation cases so far, this one with them, for which its interval allows.
        subjects: that these cases are of.
        plan: name of the plan that was written; empty for none.
    """

    best: int
    assignments: tuple[str, ...] = ()
    trial: Trial | None = None
    reason: str = ""
    length: Length | None = None
    pairs: int = 0
    comparisons: int = 1
    subjects: int = 0
    plan: str = ""

    def taken(self) -> bool:
        """Return whether a plan was written."""
        return self.trial is not None and self.trial.taken


@dataclass(frozen=True, kw_only=True, slots=True)
class TuningRecord:
    """What a search was begun with, and its outcome.

    Attributes:
        values: a hash of the plan.
        contents: a hash of what the raw files of the fold's cases held; empty in records of earlier versions.
        over: what is varied.
        cases: of the fold.
        inner: how the fold's training cases are divided for the search.
        earlier: comparisons made on the fold's validation cases by searches that this one took the place of.
        outcome: null until there is one.
    """

    plan: str
    configuration: str
    fold: str
    values: str
    contents: str = ""
    hours: float | None
    iterations: int | None
    seed: int
    over: tuple[str, ...]
    score: ScoreName
    cases: Fold
    inner: Fold
    schedule: Schedule
    earlier: int = 0
    outcome: Outcome | None = None
    simulated: bool = False
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        check_folder_name(self.plan, "a plan")
        check_folder_name(self.configuration, "a configuration")
        check_fold_name(self.fold)
        check_case_names(self.cases.train, self.cases.validation)

    def count_comparisons(self) -> int:
        """Return how many comparisons were made on the fold's validation cases, those of earlier searches with them."""
        return self.earlier + int(self.outcome is not None and self.outcome.trial is not None)
