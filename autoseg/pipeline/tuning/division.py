"""Cases of a search: a fold's training cases divided once more; its validation cases stay out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from autoseg.selection.reasons import LEAST_SUBJECTS
from dataset_fingerprints.errors import DataError, PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.names import counted, some_of
from planners.plan import Fold, is_undivided
from planners.run import CaseContent
from planners.splits import split_by_subject

# Subjects that the inner validation should have; it gets a fifth of all, or two fifths where that is too few.
INNER_SUBJECTS = 10


def divide_inner(fingerprint: DatasetFingerprint, fold: Fold, units: Mapping[str, str], seed: int) -> Fold:
    """Divide a fold's training cases into those that candidates are trained on and those that judge them.

    Subjects stay whole, and volumes and sites are alike on both sides, as in the folds of a plan.

    Args:
        fingerprint: of all cases.
        fold: whose training cases are divided.
        units: every case's subject, or what else keeps cases together.
        seed: of the division.

    Raises:
        PlanError: there are too few subjects to search on, or to prove anything on.
    """
    _refuse_few(fold, units)
    train = frozenset(fold.train)
    inner = split_by_subject(
        replace(fingerprint, cases=tuple(case for case in fingerprint.cases if case.case in train)), seed
    )
    assert not is_undivided(inner.folds)
    held: tuple[str, ...] = ()
    for part in inner.folds[:2]:
        held = (*held, *part.validation)
        if len({units[name] for name in held}) >= INNER_SUBJECTS:
            break
    return Fold(train=tuple(sorted(train - set(held))), validation=tuple(sorted(held)))


def refuse_leaks(inner: Fold, fold: Fold, units: Mapping[str, str]) -> None:
    """Make sure that no subject is on two sides: of those trained on, those that choose, and those that prove.

    Raises:
        DataError: one is; the message names cases.
    """
    for problem in _find_leaks(inner, fold, units):
        raise DataError(f"The search would not be honest: {problem}.")


def refuse_same_scans(sides: Iterable[tuple[str, Iterable[CaseContent]]]) -> None:
    """Make sure that no scan is on two sides under different names.

    Args:
        sides: in words, what is done with them, and their cases.

    Raises:
        DataError: one is; the message names both cases.
    """
    known: dict[str, tuple[str, str]] = {}
    for does, contents in sides:
        for content in contents:
            for scan in content.scans():
                before, name = known.setdefault(scan, (does, content.case))
                if before != does:
                    raise DataError(
                        f"The search would not be honest: {content.case}, which {does}, is the same scan as {name}, "
                        f"which {before}. Take one of them out of the data set and plan again under another name."
                    )


def _refuse_few(fold: Fold, units: Mapping[str, str]) -> None:
    judging, training = (len({units[name] for name in names}) for names in (fold.validation, fold.train))
    if judging < LEAST_SUBJECTS:
        raise PlanError(
            f"The fold is judged on {counted(judging, 'subject')}, on which no gain can be proven: "
            f"{LEAST_SUBJECTS} are needed. Plan with fewer and larger folds (plan_and_preprocess --splits FILE "
            "--plan-name NEW), or with more cases."
        )
    if training < LEAST_SUBJECTS:
        raise PlanError(
            f"The fold trains on {counted(training, 'subject')}, too few to search on: {LEAST_SUBJECTS} are needed."
        )


def _find_leaks(inner: Fold, fold: Fold, units: Mapping[str, str]) -> Iterator[str]:
    """Yield what leaks, as the rest of a sentence."""
    strange = {*inner.train, *inner.validation} - set(fold.train)
    if strange:
        yield f"{some_of(sorted(strange))} would be searched on, not among the fold's training cases"
    sides = (
        ("trains candidates", inner.train),
        ("chooses between them", inner.validation),
        ("proves the gain", fold.validation),
    )
    owners: dict[str, tuple[str, str]] = {}
    for does, names in sides:
        for name in names:
            before, other = owners.setdefault(units.get(name, name), (does, name))
            if before != does:
                what = name if name == other else f"{name}, of the same subject as {other}"
                yield f"{what} {does}, and the latter {before}" if name != other else f"{name} {does} and {before}"
