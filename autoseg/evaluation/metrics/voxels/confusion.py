"""Measures of the confusion matrix of voxels: its four counts, and the ratios made of them.

Those that hold true negatives depend on the size of the image: most of a scan is in neither mask, so that accuracy,
specificity and the negative predictive value are near 1 whatever the prediction is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from autoseg.evaluation.mask_pair import MaskPair, VoxelCounts
from autoseg.evaluation.metrics.metric import About, Direction, MetricOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """Numbers of voxels: true and false, positive and negative."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def tpr(self) -> float | None:
        """Sensitivity: TP / (TP + FN)."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def tnr(self) -> float | None:
        """Specificity: TN / (TN + FP)."""
        return ratio(self.tn, self.tn + self.fp)

    @property
    def fpr(self) -> float | None:
        """False-positive rate: FP / (TN + FP)."""
        return ratio(self.fp, self.tn + self.fp)

    @property
    def fnr(self) -> float | None:
        """False-negative rate: FN / (TP + FN)."""
        return ratio(self.fn, self.tp + self.fn)

    @property
    def ppv(self) -> float | None:
        """Positive predictive value: TP / (TP + FP)."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> float | None:
        """Negative predictive value: TN / (TN + FN)."""
        return ratio(self.tn, self.tn + self.fn)


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return a quotient; None where one of both is not defined, or the whole is 0."""
    return part / whole if part is not None and whole else None


def make_matrix(counts: VoxelCounts) -> Matrix:
    """Return the confusion matrix of the counts of two masks."""
    both = counts.both
    return Matrix(tp=both, fp=counts.prediction - both, fn=counts.reference - both, tn=counts.neither)


def _sum(*values: float | None) -> float | None:
    """Return a sum; None where a value is not defined."""
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None


def _accuracy(matrix: Matrix) -> float | None:
    return ratio(matrix.tp + matrix.tn, matrix.tp + matrix.fp + matrix.fn + matrix.tn)


def _prevalence(matrix: Matrix) -> float | None:
    return ratio(matrix.tp + matrix.fn, matrix.tp + matrix.fp + matrix.fn + matrix.tn)


def _balanced_accuracy(matrix: Matrix) -> float | None:
    return ratio(_sum(matrix.tpr, matrix.tnr), 2)


def _matthews(matrix: Matrix) -> float | None:
    sides = (matrix.tp + matrix.fp, matrix.tp + matrix.fn, matrix.tn + matrix.fp, matrix.tn + matrix.fn)
    return ratio(matrix.tp * matrix.tn - matrix.fp * matrix.fn, math.sqrt(math.prod(sides)))


def _fowlkes_mallows(matrix: Matrix) -> float | None:
    return ratio(matrix.tp, math.sqrt((matrix.tp + matrix.fp) * (matrix.tp + matrix.fn)))


def _prevalence_threshold(matrix: Matrix) -> float | None:
    """Return sqrt(FPR) / (sqrt(TPR) + sqrt(FPR)), the same as (sqrt(TPR FPR) - FPR) / (TPR - FPR)."""
    if matrix.tpr is None or matrix.fpr is None:
        return None
    return ratio(math.sqrt(matrix.fpr), math.sqrt(matrix.tpr) + math.sqrt(matrix.fpr))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measure:
    """A measure of the confusion matrix."""

    title: str
    better: Direction
    definition: str
    of: Callable[[Matrix], float | None]
    perfect: float | None = None
    symmetric: bool = False
    whole_image: bool = True
    source: str = ""


_RATIOS = {
    "prevalence": _Measure(
        title="Prevalence", better="neither", definition="(TP + FN) / all voxels of the image", of=_prevalence
    ),
    "accuracy": _Measure(
        title="Accuracy",
        better="higher",
        definition="(TP + TN) / all voxels of the image",
        of=_accuracy,
        perfect=1.0,
        symmetric=True,
    ),
    "balanced_accuracy": _Measure(
        title="Balanced accuracy",
        better="higher",
        definition="(TPR + TNR) / 2: the mean of recall and specificity",
        of=_balanced_accuracy,
        perfect=1.0,
        source="Brodersen 2010",
    ),
    "specificity": _Measure(
        title="Specificity", better="higher", definition="TNR = TN / (TN + FP)", of=lambda m: m.tnr, perfect=1.0
    ),
    "negative_predictive_value": _Measure(
        title="NPV", better="higher", definition="TN / (TN + FN)", of=lambda m: m.npv, perfect=1.0
    ),
    "false_discovery_rate": _Measure(
        title="False discovery rate",
        better="lower",
        definition="FP / (TP + FP): 1 - precision",
        of=lambda m: ratio(m.fp, m.tp + m.fp),
        perfect=0.0,
        whole_image=False,
    ),
    "false_omission_rate": _Measure(
        title="False omission rate",
        better="lower",
        definition="FN / (TN + FN): 1 - NPV",
        of=lambda m: ratio(m.fn, m.tn + m.fn),
        perfect=0.0,
    ),
    "false_negative_rate": _Measure(
        title="False negative rate",
        better="lower",
        definition="FN / (TP + FN): 1 - recall",
        of=lambda m: m.fnr,
        perfect=0.0,
        whole_image=False,
    ),
    "false_positive_rate": _Measure(
        title="False positive rate",
        better="lower",
        definition="FP / (TN + FP): 1 - specificity",
        of=lambda m: m.fpr,
        perfect=0.0,
    ),
    "positive_likelihood_ratio": _Measure(
        title="LR+", better="higher", definition="TPR / FPR", of=lambda m: ratio(m.tpr, m.fpr)
    ),
    "negative_likelihood_ratio": _Measure(
        title="LR-", better="lower", definition="FNR / TNR", of=lambda m: ratio(m.fnr, m.tnr), perfect=0.0
    ),
    "diagnostic_odds_ratio": _Measure(
        title="Diagnostic odds ratio",
        better="higher",
        definition="LR+ / LR- = TP TN / (FP FN)",
        of=lambda m: ratio(m.tp * m.tn, m.fp * m.fn),
        symmetric=True,
    ),
    "informedness": _Measure(
        title="Informedness",
        better="higher",
        definition="TPR + TNR - 1, Youden's J",
        of=lambda m: _sum(m.tpr, m.tnr, -1.0),
        perfect=1.0,
        source="Youden 1950",
    ),
    "markedness": _Measure(
        title="Markedness",
        better="higher",
        definition="PPV + NPV - 1",
        of=lambda m: _sum(m.ppv, m.npv, -1.0),
        perfect=1.0,
        source="Powers 2011",
    ),
    "matthews_correlation": _Measure(
        title="MCC",
        better="higher",
        definition="(TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN))",
        of=_matthews,
        perfect=1.0,
        symmetric=True,
        source="Matthews 1975",
    ),
    "fowlkes_mallows": _Measure(
        title="Fowlkes-Mallows index",
        better="higher",
        definition="TP / sqrt((TP + FP)(TP + FN)): the geometric mean of precision and recall",
        of=_fowlkes_mallows,
        perfect=1.0,
        symmetric=True,
        whole_image=False,
        source="Fowlkes & Mallows 1983",
    ),
    "prevalence_threshold": _Measure(
        title="Prevalence threshold",
        better="lower",
        definition="(sqrt(TPR FPR) - FPR) / (TPR - FPR): the prevalence below which most positives are false",
        of=_prevalence_threshold,
        perfect=0.0,
        source="Balayla 2020",
    ),
}
_COUNTS = {
    "true_positives": ("Shared voxels", "TP: voxels of both masks", lambda m: m.tp, False),
    "false_positives": ("False voxels", "FP: predicted voxels outside of the reference", lambda m: m.fp, False),
    "false_negatives": ("Missed voxels", "FN: voxels of the reference that are not predicted", lambda m: m.fn, False),
    "true_negatives": ("Voxels of neither", "TN: voxels of the image in neither mask", lambda m: m.tn, True),
}


def _make_ratio(measure: _Measure) -> type[MetricOptions]:
    """Return the entry of a ratio, with its rule for a denominator of 0 as an option."""
    description = About(
        title=measure.title,
        better=measure.better,
        definition=measure.definition,
        perfect=measure.perfect,
        symmetric=measure.symmetric,
        source=measure.source,
        whole_image=measure.whole_image,
    )

    @dataclass(frozen=True, kw_only=True, slots=True)
    class ConfusionRatioOptions:
        """A ratio of the confusion matrix.

        Attributes:
            undefined: the score where the denominator is 0.
        """

        about: ClassVar[About] = description
        undefined: float | None = None

        def measure(self, pair: MaskPair) -> float | None:
            """Return the ratio."""
            found = measure.of(make_matrix(pair.counts))
            return self.undefined if found is None else found

    return ConfusionRatioOptions


def _make_count(title: str, definition: str, count: Callable[[Matrix], int], whole_image: bool) -> type[MetricOptions]:
    """Return the entry of one of the four counts."""
    description = About(
        title=title,
        better="neither",
        definition=definition,
        whole_image=whole_image,
        empty="all voxels of the image where both masks are empty" if whole_image else "",
    )

    @dataclass(frozen=True, kw_only=True, slots=True)
    class ConfusionCountOptions:
        """A count of the confusion matrix."""

        about: ClassVar[About] = description

        def measure(self, pair: MaskPair) -> float | None:
            """Return the number of voxels."""
            return count(make_matrix(pair.counts))

    return ConfusionCountOptions


CONFUSION: dict[str, type[MetricOptions]] = {name: _make_ratio(measure) for name, measure in _RATIOS.items()} | {
    name: _make_count(*count) for name, count in _COUNTS.items()
}
