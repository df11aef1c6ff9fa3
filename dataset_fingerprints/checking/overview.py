"""Overview of a data set's cases for people, a line each: patients, sites, voxel sizes, volumes of the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dataset_fingerprints.dataset import Dataset, Label
from dataset_fingerprints.fingerprint import CaseFingerprint
from dataset_fingerprints.geometry import show_lengths, show_spacing
from dataset_fingerprints.names import counted, some_of

# Sites that are named.
_NAMED = 6
# Different sizes that are listed one by one.
_LISTED = 3
_MM3_PER_ML = 1000


def describe_cases(dataset: Dataset, cases: Sequence[CaseFingerprint]) -> tuple[tuple[str, str], ...]:
    """Return what the cases that can be used are like, each line with what it is about.

    Args:
        dataset: with all cases.
        cases: the measurements of those that can be used.
    """
    sites, tasks = [case.site for case in dataset.cases], [case.task for case in dataset.cases]
    lines = [("Patients", _describe_subjects(dataset)), ("Sites", _count_parts(sites))]
    lines += [("Tasks", _count_parts(tasks))] if any(tasks) else []
    if not cases:
        return tuple(lines)
    if len(cases) < len(dataset.cases):
        lines.append(("Measured", f"the {counted(len(cases), 'case')} without errors, which the next lines are about"))
    lines.append(("Voxel size", _range_of([case.spacing_mm for case in cases], "mm")))
    lines.append(("Scan size", _range_of([case.shape for case in cases], "voxels")))
    lines += [(label.name, _describe_label(label, cases)) for label in dataset.labels.labels]
    return tuple(lines)


def _describe_subjects(dataset: Dataset) -> str:
    counts = Counter(case.subject for case in dataset.cases).values()
    if max(counts) == 1:
        return f"{len(counts)}, each with one case"
    return f"{len(counts)}, with {_between(min(counts), max(counts))} cases each; those of one stay in one fold"


def _count_parts(parts: Sequence[str]) -> str:
    """Return the sites or tasks of cases with the number of their cases; empty ones are not given."""
    counts = Counter(part for part in parts if part)
    if not counts:
        return "not given"
    shown = some_of([f"{part} ({counted(count, 'case')})" for part, count in counts.most_common()], _NAMED)
    unknown = len(parts) - counts.total()
    return shown + (f"; not given for {counted(unknown, 'case')}" if unknown else "")


def _describe_label(label: Label, cases: Sequence[CaseFingerprint]) -> str:
    """Return the volumes of a label."""
    volumes = [own.volume_mm3 / _MM3_PER_ML for case in cases for own in case.labels if own.value == label.value]
    present = [volume for volume in volumes if volume > 0]
    if not present:
        return f"label {label.value}: in no case"
    text = f"label {label.value}: {_show_ml(min(present))} ml"
    if min(present) != max(present):
        text = f"label {label.value}: {_show_ml(min(present))} to {_show_ml(max(present))} ml"
        text += f", half the cases below {_show_ml(float(np.median(present)))} ml"
    without = len(cases) - len(present)
    return text + (f"; none in {counted(without, 'case')}" if without else "")


def _range_of(rows: Sequence[Sequence[float]], unit: str) -> str:
    """Return the lengths with how many cases have them, or of many the smallest and the largest along each axis."""
    show = show_spacing if unit == "mm" else show_lengths
    counts = Counter(show(list(row)) for row in rows)
    if len(counts) == 1:
        return f"{next(iter(counts))} {unit} in all"
    if len(counts) <= _LISTED:
        return ", ".join(f"{shown} {unit} ({counted(count, 'case')})" for shown, count in counts.most_common())
    low, high = show(np.min(rows, axis=0).tolist()), show(np.max(rows, axis=0).tolist())
    return f"{len(counts)} different; along each axis from {low} to {high} {unit}"


def _between(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _show_ml(volume: float) -> str:
    return f"{volume:,.0f}" if volume >= 100 else f"{volume:.2g}"
