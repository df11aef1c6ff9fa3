"""A selection and its evidence in words and rows, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dataset_fingerprints.names import counted

if TYPE_CHECKING:
    from autoseg.models.selection import Evidence, Gain, Selection, Trial

COLUMNS = ("choice", "best of all tried", "gain (interval)", "taken")
SCORE_WORDS = {"mean": "mean of Dice and lesion F1", "dice": "Dice", "lesion_f1": "lesion F1"}


def describe_rows(evidence: Evidence) -> tuple[tuple[str, ...], ...]:
    """Return a row per question that was put to the cross-validation."""
    return tuple(_describe_row(trial) for trial in evidence.trials)


def _describe_row(trial: Trial) -> tuple[str, ...]:
    return (
        trial.subject or "configurations",
        trial.best,
        _show_gain(trial.change.gain),
        "yes" if trial.taken else "no",
    )


def _show_gain(gain: Gain) -> str:
    return f"{gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"


def describe_selection(selection: Selection) -> Iterator[str]:
    """Yield what is used, why, and how it was measured, in sentences."""
    evidence = selection.evidence
    names = selection.configurations
    yield f"Predicts: {names[0] if len(names) == 1 else 'mean of ' + ' and '.join(names)}."
    for trial in evidence.trials:
        yield _describe_verdict(trial)
        yield _describe_change(trial, len(evidence.folds))
    if sum(trial.taken for trial in evidence.trials) > 1:
        yield f"All together: score {_show_gain(evidence.whole_gain())}."
    score = SCORE_WORDS[evidence.score]
    yield (
        f"Score: {score}, of {counted(evidence.cases, 'case')} that {_of(evidence)} had not trained on. Each gain is "
        f"of choices that were made without the case's own fold, with a {100 * evidence.level:g} % interval that holds "
        "for all that was tried at once."
    )
    if evidence.seen:
        yield evidence.seen
    yield from (f"Not tried: {sentence}" for sentence in evidence.left_out)


def describe_verdicts(selection: Selection) -> Iterator[str]:
    """Yield in a sentence each what was put to the cross-validation, and whether it is taken."""
    for trial in selection.evidence.trials:
        yield f"Selected on the cross-validation: {_describe_verdict(trial)}"


def _describe_verdict(trial: Trial) -> str:
    """Return whether the best is taken, and why."""
    what = trial.subject or "Configurations"
    if trial.best == trial.before:
        return f"{what}: {trial.before}; {trial.reason}."
    if trial.taken:
        return f"{what}: {trial.best}, taken: {trial.reason}."
    return f"{what}: {trial.before}, as before; the best candidate ({trial.best}) is not taken: {trial.reason}."


def _describe_change(trial: Trial, folds: int) -> str:
    """Return what the choice changes, lesions that are lost among it."""
    change = trial.change
    parts = [f"score {change.score[0]:.4f} to {change.score[1]:.4f}", f"Dice {change.dice:+.4f}"]
    recalls = (("100 mm3 or more", change.large_recall), ("less", change.small_recall))
    parts += [f"recall of lesions of {size} {100 * share:+.1f} %" for size, share in recalls if share is not None]
    return (
        f"  Of {trial.candidates} tried, {trial.agreeing} of {folds} folds chose the same without their own cases. "
        f"Their choices: {', '.join(parts)}."
    )


def _of(evidence: Evidence) -> str:
    return f"folds {', '.join(evidence.folds)}"
