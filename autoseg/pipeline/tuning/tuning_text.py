"""A search and its outcome in words and rows, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from autoseg.pipeline.selection.selection_text import SCORE_WORDS
from autoseg.selection.intervals import LEVEL
from dataset_fingerprints.names import counted

if TYPE_CHECKING:
    from autoseg.models.selection import ScoreName, Trial
    from autoseg.pipeline.tuning.records import Outcome, TrialRecord, TuningRecord
    from autoseg.pipeline.tuning.schedule import Schedule

NOTHING = "Nothing found"


def columns(schedule: Schedule) -> tuple[str, ...]:
    """Return the columns of the table of trials."""
    return ("candidate", "changed", *(f"after {rung.length.describe()}" for rung in schedule.rungs), "how it ended")


def rows(record: TuningRecord, trials: Sequence[TrialRecord]) -> list[tuple[str, ...]]:
    """Return a row per trial: what it changes, its score after each rung, and what became of it."""
    return [_row(record, trial) for trial in trials]


def _row(record: TuningRecord, trial: TrialRecord) -> tuple[str, ...]:
    candidate = trial.candidate
    results = [trial.result(number) for number in range(len(record.schedule.rungs))]
    scores = ["" if result is None else f"{result.score:.4f}" for result in results]
    return (str(candidate.number), candidate.describe(), *scores, _describe_end(record, trial))


def _describe_end(record: TuningRecord, trial: TrialRecord) -> str:
    if trial.candidate.refused:
        return trial.candidate.refused
    outcome = record.outcome
    if outcome is not None and trial.candidate.number == outcome.best:
        if outcome.trial is None:
            return "best of the search"
        return "best of the search, proven" if outcome.taken() else "best of the search, not proven"
    return f"ended after round {len(trial.results)} of {len(record.schedule.rungs)}" if trial.results else ""


def describe_gain(trial: Trial, score: ScoreName) -> str:
    """Return a gain with its interval."""
    gain = trial.change.gain
    return f"gain of {SCORE_WORDS[score]} {gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"


def describe_worth(record: TuningRecord, outcome: Outcome) -> Iterator[str]:
    """Yield what the figures of a proof are worth, in sentences."""
    assert outcome.length is not None
    cases, level = counted(len(record.cases.validation), "case"), 1 - (1 - LEVEL) / outcome.comparisons
    yield (
        f"Measured on the {cases} of {counted(outcome.subjects, 'subject')} of fold {record.fold}, which the search "
        f"never saw, by {outcome.pairs} trainings of {outcome.length.describe()} of either side."
    )
    yield f"The {100 * level:.4g} % interval counts that other cases and other seeds would give other figures" + (
        f", and that with this one {outcome.comparisons} comparisons were made on these cases."
        if outcome.comparisons > 1
        else "."
    )
    yield "Of longer trainings it says nothing."
    if outcome.taken():
        yield (
            f"These cases have chosen the plan, so that its later scores on fold {record.fold} are a little too good; "
            "and so are those on the other folds, by whose cases the search chose. Only cases of no fold tell the rest."
        )


def describe_outcome(record: TuningRecord) -> Iterator[str]:
    """Yield the outcome of a search in sentences."""
    outcome = record.outcome
    if outcome is None:
        yield "The search has not ended."
        return
    if outcome.trial is None:
        yield f"{NOTHING}: {outcome.reason}."
        return
    trial = outcome.trial
    before, after = trial.change.score
    head = f"Found: {trial.best}" if trial.taken else f"{NOTHING}: the best candidate ({trial.best}) is not taken"
    yield f"{head}; {trial.reason}."
    yield (
        f"G{describe_gain(trial, record.score)[1:]}: {before:.4f} as planned, {after:.4f} tuned; Dice "
        f"{trial.change.dice:+.4f}{_describe_recall(trial)}; better in {trial.agreeing} of "
        f"{counted(outcome.pairs, 'pair')} of trainings."
    )
    yield from describe_worth(record, outcome)
    if outcome.plan:
        values = " ".join(f"--set '{assignment}'" for assignment in outcome.assignments)
        train = f"`autoseg train FOLD -c {record.configuration} --plan {outcome.plan}`"
        yield f"Plan {outcome.plan} has it: {train}. The same by hand: {values}"


def _describe_recall(trial: Trial) -> str:
    change = trial.change.large_recall
    return "" if change is None else f", recall of lesions of 100 mm3 or more {100 * change:+.1f} %"
