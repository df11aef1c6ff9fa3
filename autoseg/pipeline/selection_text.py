"""A selection and its evidence in words and rows, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dataset_fingerprints.names import counted

if TYPE_CHECKING:
    from autoseg.models.selection import Evidence, Selection, Trial

COLUMNS = ("choice", "best", "gain of score", "interval", "Dice", "large lesions", "small lesions", "tried", "taken")
_SCORES = {"mean": "mean of Dice and lesion F1", "dice": "Dice", "lesion_f1": "lesion F1"}
_LOST = (0.0005, "recall of lesions below 100 mm3")


def describe_rows(evidence: Evidence) -> tuple[tuple[str, ...], ...]:
    """Return a row per question that was put to the cross-validation."""
    return tuple(_describe_row(trial) for trial in evidence.trials)


def _describe_row(trial: Trial) -> tuple[str, ...]:
    change = trial.change
    return (
        trial.subject or "configurations",
        trial.best,
        f"{change.gain.mean:+.4f}",
        f"{change.gain.low:+.4f} to {change.gain.high:+.4f}",
        f"{change.dice:+.4f}",
        _show_share(change.large_recall),
        _show_share(change.small_recall),
        str(trial.candidates),
        "yes" if trial.taken else "no",
    )


def _show_share(change: float | None) -> str:
    return "-" if change is None else f"{100 * change:+.1f} %"


def describe_selection(selection: Selection) -> Iterator[str]:
    """Yield what is used, why, and how it was measured, in sentences."""
    evidence = selection.evidence
    names = selection.configurations
    yield f"Predicts: {names[0] if len(names) == 1 else 'mean of ' + ' and '.join(names)}."
    for trial in evidence.trials:
        verdict = "taken" if trial.taken else f"{trial.before} stays"
        yield f"{trial.subject or 'Configurations'}: {verdict}: {trial.reason}."
        lost = trial.change.small_recall
        if trial.taken and lost is not None and lost < -_LOST[0]:
            yield f"{trial.subject or 'Configurations'}: the price is {-100 * lost:.1f} % of {_LOST[1]}."
    yield (
        f"Score: {_SCORES[evidence.score]}, of {counted(evidence.cases, 'case')} that {_of(evidence)} had not trained "
        f"on. Each gain is of choices that were made without the case's own fold, with a {100 * evidence.level:g} % "
        "interval for the best of all that was tried; large lesions are those of 100 mm3 or more."
    )
    yield from (f"Not tried: {sentence}" for sentence in evidence.left_out)


def _of(evidence: Evidence) -> str:
    return f"folds {', '.join(evidence.folds)}"
