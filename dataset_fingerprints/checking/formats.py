"""Check of file formats that leave out what a scan is measured by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataset_fingerprints.checking.checks import Finding
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.names import some_of
from dataset_fingerprints.reading.images import suffix_of
from dataset_fingerprints.reading.itk import PICTURE_SUFFIXES

_ASSUMED = (
    "a format from which no voxel size is read: voxels of 1 x 1 x 1 mm were assumed, by which scans are resampled, and "
    "volumes in ml and distances in mm are measured. If they are of another size, convert them to NIfTI with it."
)


def is_unsized(file: str | Path) -> bool:
    """Return whether a file is of a format from which no voxel size is read."""
    return suffix_of(Path(file)) in PICTURE_SUFFIXES


def describe_unsized(scans: Sequence[str], files: Sequence[str | Path]) -> str:
    """Return what is assumed of scans of such formats.

    Args:
        scans: their names.
        files: a file of each.
    """
    suffixes = ", ".join(sorted({suffix_of(Path(file)) for file in files}))
    return f"{some_of(scans)} ({suffixes}): {_ASSUMED}"


def check_formats(cases: Sequence[Case]) -> tuple[Finding, ...]:
    """Report once for a data set the cases whose scans are of formats from which no voxel size is read."""
    found = [case for case in cases if case.images and is_unsized(case.images[0])]
    if not found:
        return ()
    message = describe_unsized([case.name for case in found], [case.images[0] for case in found])
    return (Finding(case=found[0].name, grade="warning", kind="assumed-place", message=message),)
