"""The folds of the cross-validation: no subject on both sides, similar lesions and sites in each; or nnU-Net's."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError, FileFormatError, did_you_mean
from dataset_fingerprints.files.jsonfiles import read_plain_json
from dataset_fingerprints.fingerprint import CaseFingerprint, DatasetFingerprint
from dataset_fingerprints.layouts.table_text import TABLE_SUFFIXES
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.units import find_units
from planners.fold_tables import read_fold_table
from planners.plan import FOLDS, Fold, FoldRule, Splits, is_undivided
from planners.rare_labels import spread_rare_labels

VOLUME_BINS = 4
MIN_SUBJECTS = 2
NNUNET_SEED = 12345

logger = logging.getLogger(__name__)


def make_splits(fingerprint: DatasetFingerprint, seed: int, rule: FoldRule = "by_subject") -> Splits:
    """Divide the cases into five folds.

    Args:
        fingerprint: whose cases are dealt out.
        seed: of folds by subject; nnU-Net's have their own.
        rule: "by_subject", stratified by lesion volume and site, or "shuffled", as nnU-Net does.
    """
    return split_as_nnunet(fingerprint) if rule == "shuffled" else split_by_subject(fingerprint, seed)


def split_by_subject(fingerprint: DatasetFingerprint, seed: int) -> Splits:
    """Divide the subjects into five folds, stratified by task, lesion volume and site.

    Subjects, not cases, are dealt out, so that no subject lies in two folds; subjects of one group count as one.
    Strata are the quartiles of the total foreground volume, with a stratum for subjects without any, per site and task;
    strata with fewer subjects than folds are pooled, over sites first, over tasks last. With fewer than five subjects
    there are as many folds as subjects, and of a single one there is none. Where a fold would not train on a label,
    subjects are exchanged.
    """
    # Slow to import, and only where folds are made is it needed.
    from sklearn.model_selection import StratifiedKFold

    subjects = _group_by_subject(fingerprint.cases)
    if len(subjects) < MIN_SUBJECTS:
        return _leave_undivided(fingerprint, "subject")
    folds = min(FOLDS, len(subjects))
    strata = _choose_strata(list(subjects.values()), folds)
    dealer = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    names = list(subjects)
    dealt = [[names[index] for index in held_out] for _, held_out in dealer.split(names, strata)]
    chosen = spread_rare_labels(dealt, subjects)
    tasks = "task, " if any(case.task for case in fingerprint.cases) else ""
    sites = " and site" if any(case.site for case in fingerprint.cases) else ""
    return Splits(
        origin=f"{folds} folds by subject, stratified by {tasks}lesion volume{sites}, seed {seed}",
        folds=tuple(_make_fold(subjects, held_out) for held_out in chosen),
    )


def split_as_nnunet(fingerprint: DatasetFingerprint) -> Splits:
    """Shuffle the sorted names of the cases into five folds, with nnU-Net's seed: bit for bit its folds.

    A subject on both sides of a fold is only warned of. With fewer than five cases there are as many folds, and of a
    single one there is none.
    """
    # Slow to import, and only where folds are made is it needed.
    from sklearn.model_selection import KFold

    names = np.sort([case.case for case in fingerprint.cases])
    if len(names) < MIN_SUBJECTS:
        return _leave_undivided(fingerprint, "case")
    dealer = KFold(n_splits=min(FOLDS, len(names)), shuffle=True, random_state=NNUNET_SEED)
    folds = tuple(
        Fold(train=tuple(names[train].tolist()), validation=tuple(names[held_out].tolist()))
        for train, held_out in dealer.split(names)
    )
    _warn_of_shared_subjects("nnU-Net's folds", folds, {case.case: case.subject for case in fingerprint.cases})
    return Splits(origin=f"{len(folds)} folds of shuffled cases, as nnU-Net's, seed {NNUNET_SEED}", folds=folds)


def _leave_undivided(fingerprint: DatasetFingerprint, what: str) -> Splits:
    """Return splits without a cross-validation: a fold is judged on subjects that it was not trained on."""
    names = tuple(sorted(case.case for case in fingerprint.cases))
    return Splits(origin=f"no folds, for there is a single {what}", folds=(Fold(train=names, validation=()),))


def describe_number(splits: Splits, fingerprint: DatasetFingerprint) -> Iterator[str]:
    """Yield what to say of fewer folds than usual that follow from few subjects or cases."""
    subjects = len(set(find_units(fingerprint.cases).values()))
    count = len(splits.folds)
    if is_undivided(splits.folds):
        yield (
            f"{counted(subjects, 'subject')} cannot be cross-validated: `autoseg train full` trains on all cases, and "
            "nothing says how good the model is."
        )
    elif count < FOLDS and count in (subjects, len(fingerprint.cases)):
        yield f"A cross-validation of {counted(count, 'fold')} instead of {FOLDS}: there are no more subjects."


def read_splits(path: Path, subjects: Mapping[str, str]) -> Splits:
    """Read folds from nnU-Net's splits_final.json, a list of {"train": [...], "val": [...]}; or from a CSV or TSV.

    A table names cases and their folds; see `read_fold_table`.

    A subject on both sides of a fold is only warned of: folds made elsewhere may have to be repeated as they are.

    Args:
        path: of the file.
        subjects: every case's name and subject, or what else keeps cases together.

    Raises:
        FileFormatError: a JSON file is not such a list.
        DataError: a fold names an unknown case or leaves one out, or a case would count twice.
    """
    if path.suffix.lower() in TABLE_SUFFIXES:
        table = read_fold_table(path, tuple(subjects))
        folds, numbers = table.folds, table.describe_numbers()
    else:
        numbers = ""
        folds = _read_rows(path)
        _check_known(path, folds, tuple(subjects))
    check_folds(path, folds)
    _warn_of_shared_subjects(str(path), folds, subjects)
    return Splits(origin=f"{path.name}: {numbers}" if numbers else path.name, folds=folds)


def _read_rows(path: Path) -> tuple[Fold, ...]:
    """Return the folds of nnU-Net's file."""
    rows = read_plain_json(path)
    for problem in _find_problems(rows):
        raise FileFormatError(
            f"{path}: is not a list of folds{problem}. "
            'Expected [{"train": [names], "val": [names]}, ...], as nnU-Net writes.'
        )
    return tuple(Fold(train=tuple(sorted(row["train"])), validation=tuple(sorted(row["val"]))) for row in rows)


def check_folds(where: Path, folds: Sequence[Fold]) -> None:
    """Make sure that the folds divide the same cases, none of which counts twice.

    Args:
        where: the folds come from, for messages.
        folds: of one cross-validation.

    Raises:
        DataError: they do not; the message names fold and case.
    """
    if is_undivided(folds):
        return
    cases = {name for fold in folds for name in (*fold.train, *fold.validation)}
    judged: dict[str, int] = {}
    for index, fold in enumerate(folds):
        _check_sides(f"{where}: fold {index}", fold)
        for name in fold.validation:
            if name in judged:
                raise DataError(
                    f"{where}: folds {judged[name]} and {index} are both judged on {name}, which would count twice. "
                    "Leave it to one of them."
                )
            judged[name] = index
        left_out = sorted(cases - {*fold.train, *fold.validation})
        if left_out:
            raise DataError(
                f"{where}: fold {index} leaves out {some_of(left_out)}. Every fold trains on all cases that it is not "
                "judged on: add them to one of its lists, or take them out of all folds and of the data set."
            )


def _check_sides(where: str, fold: Fold) -> None:
    """Make sure that a fold has both sides, and names every case once."""
    for does, names in (("trains", fold.train), ("is judged", fold.validation)):
        if not names:
            raise DataError(f"{where} {does} on no case. Name at least one.")
        doubled = [name for name, count in Counter(names).items() if count > 1]
        if doubled:
            raise DataError(f"{where} {does} twice on {some_of(doubled)}. Name every case once.")
    leaking = sorted(set(fold.train) & set(fold.validation))
    if leaking:
        raise DataError(f"{where} both trains on and is judged on {some_of(leaking)}. Take them out of one list.")


def _group_by_subject(cases: Sequence[CaseFingerprint]) -> dict[str, list[CaseFingerprint]]:
    """Return every subject's cases, subjects and cases by name; subjects of one group are one."""
    units = find_units(cases)
    groups: dict[str, list[CaseFingerprint]] = {}
    for case in sorted(cases, key=lambda case: (units[case.case], case.case)):
        groups.setdefault(units[case.case], []).append(case)
    return groups


def _make_fold(subjects: dict[str, list[CaseFingerprint]], held_out: Sequence[str]) -> Fold:
    held = set(held_out)
    train = [case.case for subject, cases in subjects.items() if subject not in held for case in cases]
    validation = [case.case for subject, cases in subjects.items() if subject in held for case in cases]
    return Fold(train=tuple(sorted(train)), validation=tuple(sorted(validation)))


def _choose_strata(subjects: Sequence[Sequence[CaseFingerprint]], smallest: int) -> list[str]:
    """Return a stratum per subject, none with fewer than `smallest` subjects."""
    bins = _bin_volumes(np.array([_mean_volume_mm3(cases) for cases in subjects]))
    tasks = [f"{cases[0].task}/" if cases[0].task else "" for cases in subjects]
    sites = [cases[0].site for cases in subjects]
    strata = [f"{task}{site}/{volume}" for task, site, volume in zip(tasks, sites, bins, strict=True)]
    over_sites = [f"{task}*/{volume}" for task, volume in zip(tasks, bins, strict=True)]
    for wider in (over_sites, [f"{task}*" for task in tasks], ["*"] * len(bins)):
        counts = Counter(strata)
        strata = [own if counts[own] >= smallest else pool for own, pool in zip(strata, wider, strict=True)]
    counts = Counter(strata)
    largest = max(sorted(counts), key=lambda stratum: counts[stratum])
    return [own if counts[own] >= smallest else largest for own in strata]


def _bin_volumes(volumes: NDArray[np.float64]) -> list[int]:
    """Return 0 for subjects without foreground, else 1 to 4 by quartile of the others' volumes."""
    present = volumes[volumes > 0]
    if present.size == 0:
        return [0] * len(volumes)
    edges = np.quantile(present, np.arange(1, VOLUME_BINS) / VOLUME_BINS)
    return [int(np.searchsorted(edges, volume, side="left")) + 1 if volume > 0 else 0 for volume in volumes]


def _mean_volume_mm3(cases: Sequence[CaseFingerprint]) -> float:
    return float(np.mean([sum(label.volume_mm3 for label in case.labels) for case in cases]))


def _find_problems(rows: Any) -> Iterator[str]:
    """Yield why a file's content is not a list of folds, as the rest of a sentence."""
    if not isinstance(rows, list) or not rows:
        yield ""
        return
    for index, row in enumerate(rows):
        for side in ("train", "val"):
            names = row.get(side) if isinstance(row, dict) else None
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                yield f": fold {index} has no list of names '{side}'"
            elif not names:
                yield f": '{side}' of fold {index} is empty"


def _check_known(path: Path, folds: Sequence[Fold], cases: Sequence[str]) -> None:
    """Make sure that the folds name the cases of the data set, all of them and no others."""
    known, named = set(cases), set[str]()
    for index, fold in enumerate(folds):
        named.update(fold.train, fold.validation)
        unknown = sorted((set(fold.train) | set(fold.validation)) - known)
        if unknown:
            advice = did_you_mean(unknown[0], known)
            raise DataError(f"{path}: fold {index} names {some_of(unknown)}, not in the data set. {advice}")
        _check_sides(f"{path}: fold {index}", fold)
    missing = sorted(known - named)
    if missing:
        raise DataError(
            f"{path}: no fold names {some_of(missing)}. Add them to a fold, or remove them from the data set."
        )


def _warn_of_shared_subjects(where: str, folds: Sequence[Fold], subjects: Mapping[str, str]) -> None:
    for index, fold in enumerate(folds):
        train = {subjects[name] for name in fold.train}
        shared = sorted(train & {subjects[name] for name in fold.validation})
        if shared:
            logger.warning(
                "%s: fold %d trains on and is judged on scans of %s; its scores will look too good.",
                where,
                index,
                some_of(shared),
            )
