"""Checks between the cases of a data set, each of which may be sound."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.checking.checks import Finding
from dataset_fingerprints.fingerprint import CaseFingerprint
from dataset_fingerprints.geometry import show_lengths, show_spacing
from dataset_fingerprints.header_advice import VOXEL_SIZE_ADVICE
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.tolerances import LARGEST_WIDTH_MM, SMALLEST_LENGTH_MM
from dataset_fingerprints.units import find_units

# A voxel edge this many times longer or shorter than the median is worth a look; planning copes with less.
SPACING_OUTLIER = 2.0
# Cases that a message names.
_NAMED = 5


def check_cases(cases: Sequence[CaseFingerprint]) -> tuple[Finding, ...]:
    """Compare the cases of a data set with each other.

    Args:
        cases: the measurements of all sound cases.
    """
    if not cases:
        return ()
    return (
        *_find_duplicates(cases),
        *_find_spacing_outliers(cases),
        *_find_odd_sizes([case for case in cases if min(case.shape) > 1]),
        *_find_flat_scans(cases),
        *_find_orientations(cases),
        *_find_subjects(cases),
    )


def _find_duplicates(cases: Sequence[CaseFingerprint]) -> list[Finding]:
    """Find images that lie in several cases, by content; cross-validation may train on what it is judged by."""
    units = find_units(cases)
    owners: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        for identity in case.scans():
            owners[identity.sha256].append(case.case)
    findings = []
    for distinct in sorted({tuple(sorted(set(names))) for names in owners.values()}):
        if len(distinct) > 1:
            cure = "Keep one of them, or give both one subject"
            if len({units[name] for name in distinct}) == 1:
                cure = "They stay in one fold. If they are to be different scans, replace the wrong one"
            message = f"has the same image file as {some_of(distinct[1:], _NAMED)}. {cure}."
            findings.append(Finding(case=distinct[0], grade="warning", kind="duplicate-image", message=message))
    return findings


def _find_spacing_outliers(cases: Sequence[CaseFingerprint]) -> list[Finding]:
    spacings = np.array([case.spacing_mm for case in cases])
    median = np.median(spacings, axis=0)
    findings = []
    for case, ratio in zip(cases, spacings / median, strict=True):
        if max(ratio.max(), 1 / ratio.min()) > SPACING_OUTLIER:
            message = (
                f"has voxels of {show_spacing(case.spacing_mm)} mm{_show_factor(ratio)} where the median is "
                f"{show_spacing(median)} mm. If the scan is so, nothing has to be done: it is resampled like the "
                f"others. If not, the size in the file is wrong. {VOXEL_SIZE_ADVICE}."
            )
            findings.append(Finding(case=case.case, grade="warning", kind="spacing-outlier", message=message))
    return findings


def _show_factor(ratio: NDArray[np.float64]) -> str:
    """Return how many times larger or smaller voxels are, where that is so along all axes, as for a wrong unit."""
    if ratio.max() > 1.01 * ratio.min():
        return ""
    return f" ({ratio.mean():.3g} times larger)" if ratio.mean() > 1 else f" ({1 / ratio.mean():.3g} times smaller)"


def _find_odd_sizes(cases: Sequence[CaseFingerprint]) -> list[Finding]:
    """Find scans that are larger than any scanner, or tiny, which tells that their voxel sizes are not in mm."""
    findings = []
    for large in (True, False):
        found = [case for case in cases if _is_odd(_lengths_mm(case), large=large)]
        if not found:
            continue
        size = "x".join(f"{length:.3g}" for length in _lengths_mm(found[0]))
        others = [case.case for case in found[1:]]
        also = f", and so {_be(len(others))} {some_of(others, _NAMED)}" if others else ""
        limit = "more than fits into a scanner" if large else "less than a pea"
        start = "The" if large else "If it is no picture of a microscope, the"
        message = (
            f"is {size} mm in all (voxels of {show_spacing(found[0].spacing_mm)} mm), {limit}{also}. "
            f"{start} voxel size in the file is wrong, perhaps in another unit than mm. {VOXEL_SIZE_ADVICE}."
        )
        findings.append(Finding(case=found[0].case, grade="warning", kind="scan-size", message=message))
    return findings


def _lengths_mm(case: CaseFingerprint) -> list[float]:
    return [length * step for length, step in zip(case.shape, case.spacing_mm, strict=True)]


def _is_odd(lengths_mm: Sequence[float], *, large: bool) -> bool:
    """Return whether a volume is too large, or too small; single slices and pictures are of any size."""
    if large:
        return sorted(lengths_mm)[1] > LARGEST_WIDTH_MM
    return max(lengths_mm) < SMALLEST_LENGTH_MM


def _find_flat_scans(cases: Sequence[CaseFingerprint]) -> list[Finding]:
    """Find single slices among volumes, of which a network for volumes sees next to nothing."""
    usual = np.median([case.shape for case in cases], axis=0).tolist()
    findings = []
    for case in cases:
        if any(length == 1 < other for length, other in zip(case.shape, usual, strict=True)):
            message = (
                f"has a single slice ({show_lengths(case.shape)} voxels) where the median is {show_lengths(usual)}. "
                "Give the whole volume, or take the case out; for single slices make a data set of their own."
            )
            findings.append(Finding(case=case.case, grade="warning", kind="flat-scan", message=message))
    return findings


def _find_orientations(cases: Sequence[CaseFingerprint]) -> list[Finding]:
    """Report mixed orientations, which are read as what they are: every scan is turned to RAS+."""
    counts = Counter(case.orientation for case in cases).most_common()
    if len(counts) == 1:
        return []
    named = {code: [case.case for case in cases if case.orientation == code] for code, _ in counts}
    usual = counts[0][0]
    rare, *others = (named[code] for code, _ in reversed(counts) if code != usual)
    as_well = f", as {some_of(rare[1:], _NAMED)} {_be(len(rare) - 1)}" if rare[1:] else ""
    also = "".join(
        f"; {some_of(cases_of, _NAMED)} {_be(len(cases_of))} {code}"
        for (code, _), cases_of in zip(list(reversed(counts))[1:-1], others, strict=True)
    )
    message = (
        f"is stored as {counts[-1][0]}{as_well}{also}, while {counted(counts[0][1], 'case')} "
        f"{_be(counts[0][1])} {usual}. All were turned to RAS+: nothing has to be done."
    )
    return [Finding(case=rare[0], grade="fixed", kind="orientation-mix", message=message)]


def _find_subjects(cases: Sequence[CaseFingerprint]) -> list[Finding]:
    """Report subjects and groups with several cases, which never lie in different folds."""
    units: dict[str, list[CaseFingerprint]] = defaultdict(list)
    names = find_units(cases)
    for case in cases:
        units[names[case.case]].append(case)
    return [
        Finding(
            case=first.case,
            grade="fixed",
            kind="shared-subject",
            message=f"is of {_show_unit(first)}, as {some_of([case.case for case in others], 5)} "
            f"{_be(len(others))}. They are kept in one fold, unless folds of your own divide them.",
        )
        for first, *others in units.values()
        if others
    ]


def _show_unit(case: CaseFingerprint) -> str:
    return f"subject {case.subject}" + (f" and group {case.group}" if case.group else "")


def _be(number: int) -> str:
    return "is" if number == 1 else "are"
