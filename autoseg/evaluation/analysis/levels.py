"""Scores at three levels, scan, lesion and voxel, a row per class of lesions (Llambias 2024, Tables 3 and 4)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from autoseg.evaluation.cases import CaseScores
from autoseg.evaluation.conventions import Convention
from autoseg.evaluation.results import Evaluation
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted

_REFERENCE, _PREDICTION = "reference_volume_ml", "prediction_volume_ml"
# Entries of `METRICS` behind the columns of the lesion and of the voxel level.
LESION_LEVEL = ("lesion_precision", "lesion_recall", "lesion_f1")
VOXEL_LEVEL = ("dice", "volume_similarity")
# All that a table is made of.
NEEDED = (*VOXEL_LEVEL, *LESION_LEVEL, _REFERENCE, _PREDICTION)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """A mean over scans and its deviation.

    Attributes:
        mean: None without a scan.
        sd: of the sample (n - 1); None below two scans.
        n: number of scans that have the score.
    """

    mean: float | None
    sd: float | None
    n: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelRow:
    """Scores of one class.

    Attributes:
        label: value or region of the class.
        scans: whose reference is of the class.
        right: of these, the scans whose mask is of it, too.
        other: of these, the scans whose mask is of another class.
        empty: of these, the scans without a predicted lesion.
        called: scans whose mask is of the class, whatever their reference.
        lesions: mean and deviation of `LESION_LEVEL` over the scans of the class, of its own mask.
        voxels: the same of `VOXEL_LEVEL`.
    """

    label: int | str
    scans: int
    right: int
    other: int
    empty: int
    called: int
    lesions: tuple[Spread, ...]
    voxels: tuple[Spread, ...]

    def precision(self) -> float | None:
        """Return the share of the scans called so that are of the class; None where none is called so."""
        return self.right / self.called if self.called else None

    def sensitivity(self) -> float | None:
        """Return the share of the scans of the class that are called so; None where there is none."""
        return self.right / self.scans if self.scans else None

    def f1(self) -> float | None:
        """Return 2 TP / (2 TP + FP + FN) of scans; None where the class is in no scan."""
        whole = self.scans + self.called
        return 2 * self.right / whole if whole else None


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelTable:
    """Scores of all classes at three levels.

    Attributes:
        rows: in the order of the evaluation.
        cases: scans that were scored.
        without_reference: scans without a lesion in the reference, which are of no class.
        called: of these, the scans in which something was predicted.
        without_prediction: scans with a lesion in the reference and none in the mask.
    """

    rows: tuple[LevelRow, ...]
    cases: int
    without_reference: int
    called: int
    without_prediction: int

    def describe(self) -> Iterator[str]:
        """Yield how to read the table, in sentences."""
        yield (
            f"{counted(self.cases, 'scan')}. The class of a scan is that of its largest volume, of equal ones the "
            "first; lesion and voxel level are means (SD) over the scans of the class, of the class's own mask."
        )
        yield (
            f"Without a predicted lesion: {counted(self.without_prediction, 'scan')}, missed at scan level. Without a "
            f"lesion in the reference: {counted(self.without_reference, 'scan')}, of which {self.called} had one "
            "predicted, false at scan level."
        )


def make_levels(evaluation: Evaluation) -> LevelTable:
    """Return the scores of all classes at three levels.

    Args:
        evaluation: of two labels or more, by a convention that has the metrics of `NEEDED`, under whatever names.

    Raises:
        DataError: there is a single label, or a metric is missing.
    """
    labels = [label.label for label in evaluation.summary]
    if len(labels) < 2:
        raise DataError(
            f"a table of levels needs two classes of lesions or more, and {labels[0]} alone was scored. Score "
            "masks and references that have a value for each class."
        )
    names = _find_names(evaluation.convention)
    truths = [_find_class(case, names[_REFERENCE]) for case in evaluation.cases]
    calls = [_find_class(case, names[_PREDICTION]) for case in evaluation.cases]
    pairs = list(zip(truths, calls, strict=True))
    return LevelTable(
        rows=tuple(_make_row(label, evaluation.cases, pairs, names) for label in labels),
        cases=len(pairs),
        without_reference=truths.count(None),
        called=sum(truth is None and call is not None for truth, call in pairs),
        without_prediction=sum(truth is not None and call is None for truth, call in pairs),
    )


def _make_row(
    label: int | str,
    cases: Sequence[CaseScores],
    pairs: Sequence[tuple[int | str | None, int | str | None]],
    names: dict[str, str],
) -> LevelRow:
    own = [case for case, (truth, _) in zip(cases, pairs, strict=True) if truth == label]
    calls = [call for truth, call in pairs if truth == label]
    right, empty = calls.count(label), calls.count(None)
    return LevelRow(
        label=label,
        scans=len(own),
        right=right,
        other=len(own) - right - empty,
        empty=empty,
        called=sum(call == label for _, call in pairs),
        lesions=tuple(_spread(own, label, names[metric]) for metric in LESION_LEVEL),
        voxels=tuple(_spread(own, label, names[metric]) for metric in VOXEL_LEVEL),
    )


def _find_names(convention: Convention) -> dict[str, str]:
    """Return the names of the scores by the entries of `METRICS` that they are of; of several the first."""
    found: dict[str, str] = {}
    for entry in convention.metrics:
        found.setdefault(entry.metric.name, entry.name)
    missing = [metric for metric in NEEDED if metric not in found]
    if missing:
        raise DataError(
            f"a table of levels needs {', '.join(missing)}, which convention {convention.name} does not have. Score by "
            "llambias2024, or add them with --metric."
        )
    return found


def _find_class(case: CaseScores, volume: str) -> int | str | None:
    """Return the label of the largest volume, of equal ones the first; None where there is nothing."""
    volumes = [(label.number(volume), label.label) for label in case.labels]
    largest = max((size for size, _ in volumes if not math.isnan(size)), default=0.0)
    return next((label for size, label in volumes if size == largest), None) if largest > 0 else None


def _spread(cases: Sequence[CaseScores], label: int | str, metric: str) -> Spread:
    values = [one.number(metric) for case in cases for one in case.labels if one.label == label]
    known = [value for value in values if not math.isnan(value)]
    return Spread(
        mean=float(np.mean(known)) if known else None,
        sd=float(np.std(known, ddof=1)) if len(known) > 1 else None,
        n=len(known),
    )
