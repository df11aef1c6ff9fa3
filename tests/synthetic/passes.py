"""One pass over a data set, for tests that look at what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.measuring.one_pass import Found, Known, Limits, Listeners, extract_cases

LIMITS = Limits(workers=2, memory_bytes=1e9)


def pass_over(data: Dataset | Path, known: Mapping[str, Known] | None = None) -> tuple[Found, list[str]]:
    """Return what a pass finds, and the names of the cases that it read."""
    dataset = read_dataset(data) if isinstance(data, Path) else data
    read: list[str] = []
    listeners = Listeners(on_scan=lambda case, scan: read.append(case.name))
    found = extract_cases(dataset, known or {}, LIMITS, listeners)
    return found, sorted(read)


def kept(found: Found) -> dict[str, Known]:
    """Return what a later pass knows of this one."""
    return {known.record.case: known for known in found.sound}
