"""Checks of a data set as a whole: whether it can be cross-validated, and whether its labels can be learnt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dataset_fingerprints.checking.checks import Finding
from dataset_fingerprints.dataset import Label
from dataset_fingerprints.fingerprint import CaseFingerprint
from dataset_fingerprints.units import find_units


def check_divisions(cases: Sequence[CaseFingerprint], labels: Sequence[Label]) -> tuple[Finding, ...]:
    """Look for what keeps a cross-validation from being made, or from training every fold on every label.

    Args:
        cases: the measurements of all sound cases.
        labels: that are declared.
    """
    if not cases:
        return ()
    units = find_units(cases)
    single = len(set(units.values())) == 1
    return (
        *(_report_single(cases) if single else ()),
        *(finding for label in labels for finding in _check_label(cases, label, None if single else units)),
    )


def _report_single(cases: Sequence[CaseFingerprint]) -> Iterator[Finding]:
    what = "is the only case" if len(cases) == 1 else "is, as all other cases, of the only subject"
    message = (
        f"{what}, so that there is no cross-validation: a model is judged on subjects that it was not trained on. Add "
        "cases of others, or train on all there is with `autoseg train full`."
    )
    yield Finding(case=cases[0].case, grade="warning", kind="no-folds", message=message)


def _check_label(cases: Sequence[CaseFingerprint], label: Label, units: dict[str, str] | None) -> Iterator[Finding]:
    """Yield whether no case holds a label, or those of one unit alone."""
    holding = [case.case for case in cases if _holds(case, label.value)]
    if not holding:
        message = (
            f"as every other case, holds no voxel of label {label.name} (value {label.value}), which is declared: it "
            "cannot be learnt. Take it out of the declared labels, or correct its value."
        )
        yield Finding(case=cases[0].case, grade="warning", kind="absent-label", message=message)
    elif units is not None and len({units[case] for case in holding}) == 1:
        what = "is the only case" if len(holding) == 1 else f"is of the only subject ({len(holding)} cases)"
        message = (
            f"{what} with label {label.name} (value {label.value}): the fold that is judged on it trains on none. Add "
            "cases with it, or take the label out."
        )
        yield Finding(case=holding[0], grade="warning", kind="rare-label", message=message)


def _holds(case: CaseFingerprint, value: int) -> bool:
    return any(label.value == value and label.volume_mm3 > 0 for label in case.labels)
