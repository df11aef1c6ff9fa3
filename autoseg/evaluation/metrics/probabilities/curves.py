"""Scores of a map of probabilities: over all thresholds instead of at one.

The thresholds are the values of the map; voxels of one value are taken together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.mask_pair import MaskPair
from autoseg.evaluation.metrics.metric import About

_NOT_KNOWN = "no score without probabilities"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Curve:
    """Numbers of true and false positive voxels at every threshold, from the highest down.

    Attributes:
        found: (threshold,) true positives.
        false: (threshold,) false positives.
    """

    found: NDArray[np.int64]
    false: NDArray[np.int64]

    @property
    def positives(self) -> int:
        """The number of the reference's voxels."""
        return int(self.found[-1])

    @property
    def negatives(self) -> int:
        """The number of all others."""
        return int(self.false[-1])


def trace(values: NDArray[np.float32], reference: NDArray[np.bool_]) -> Curve:
    """Return the counts at every threshold of (voxel,) probabilities of an image with at least one voxel."""
    # Most voxels of a scan have the least value, often 0: they are counted, and only the others sorted.
    least = values.min()
    above = values > least
    order = np.argsort(-values[above], kind="stable")
    ordered, true = values[above][order], reference[above][order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(ordered) else np.zeros(0, dtype=np.int64)
    found = np.append(np.cumsum(true, dtype=np.int64)[last], np.count_nonzero(reference))
    return Curve(found=found, false=np.append(last + 1, len(values)) - found)


def _trace(pair: MaskPair) -> Curve | None:
    known = pair.probabilities
    return None if known is None or not len(known.values) else trace(known.values, known.reference)


@dataclass(frozen=True, kw_only=True, slots=True)
class RocAucOptions:
    """Area under the receiver operating characteristic.

    Attributes:
        one_class: the score where the reference holds no voxel, or every one.
    """

    about: ClassVar[About] = About(
        title="ROC-AUC",
        better="higher",
        definition="probability that a voxel of the reference has a higher value than one outside, equal ones half; "
        "most voxels lie far outside, so that it is near 1",
        source="Hanley & McNeil 1982",
        empty="`one_class` where the reference holds no voxel, or every one; " + _NOT_KNOWN,
        whole_image=True,
        needs_probabilities=True,
    )
    one_class: float | None = None

    def measure(self, pair: MaskPair) -> float | None:
        """Return the area, 0 to 1; None without probabilities."""
        curve = pair.once(_trace)
        if curve is None:
            return None
        if not curve.positives or not curve.negatives:
            return self.one_class
        x, y = (np.concatenate([[0], counts]).astype(np.float64) for counts in (curve.false, curve.found))
        return float(np.trapezoid(y / curve.positives, x / curve.negatives))


@dataclass(frozen=True, kw_only=True, slots=True)
class PrAucOptions:
    """Area under the curve of precision over recall, by trapezoids between thresholds.

    Attributes:
        constant: the score where the reference is empty and the map is constant: nothing is marked.
        varied: the score where the reference is empty and the map is not.
    """

    about: ClassVar[About] = About(
        title="PR-AUC",
        better="higher",
        definition="area under precision over recall, by trapezoids from threshold to threshold, from (recall 0, "
        "precision 1) on",
        source="ISLES'26 scorer (scikit-learn's precision_recall_curve and auc)",
        empty="of an empty reference `constant` for a constant map, else `varied`; " + _NOT_KNOWN,
        whole_image=True,
        needs_probabilities=True,
    )
    constant: float | None = 1.0
    varied: float | None = 0.0

    def measure(self, pair: MaskPair) -> float | None:
        """Return the area, 0 to 1; None without probabilities."""
        curve = pair.once(_trace)
        if curve is None:
            return None
        if not curve.positives:
            return self.constant if len(curve.found) == 1 else self.varied
        recall = np.concatenate([[0.0], curve.found / curve.positives])
        precision = np.concatenate([[1.0], curve.found / (curve.found + curve.false)])
        return float(np.trapezoid(precision, recall))


@dataclass(frozen=True, kw_only=True, slots=True)
class AveragePrecisionOptions:
    """Average precision: the mean of precision over the steps of recall, without interpolation.

    Attributes:
        no_positives: the score where the reference is empty.
    """

    about: ClassVar[About] = About(
        title="Average precision",
        better="higher",
        definition="sum over thresholds of the precision times the step in recall",
        source="Salton & McGill 1983",
        empty="`no_positives` where the reference is empty; " + _NOT_KNOWN,
        whole_image=True,
        needs_probabilities=True,
    )
    no_positives: float | None = None

    def measure(self, pair: MaskPair) -> float | None:
        """Return the mean, 0 to 1; None without probabilities."""
        curve = pair.once(_trace)
        if curve is None:
            return None
        if not curve.positives:
            return self.no_positives
        steps = np.diff(np.concatenate([[0], curve.found])) / curve.positives
        return float(np.sum(steps * curve.found / (curve.found + curve.false)))


@dataclass(frozen=True, kw_only=True, slots=True)
class MaximalDiceOptions:
    """The largest Dice that any threshold gives.

    Attributes:
        no_positives: the score where the reference is empty.
    """

    about: ClassVar[About] = About(
        title="Maximal Dice",
        better="higher",
        definition="largest Dice over all thresholds, chosen for each case with its reference: no figure of a method, "
        "but what its best threshold would give",
        source="Chen 2018, Tomita 2020",
        empty="`no_positives` where the reference is empty; " + _NOT_KNOWN,
        whole_image=True,
        needs_probabilities=True,
    )
    no_positives: float | None = None

    def measure(self, pair: MaskPair) -> float | None:
        """Return the coefficient, 0 to 1; None without probabilities."""
        curve = pair.once(_trace)
        if curve is None:
            return None
        if not curve.positives:
            return self.no_positives
        return float((2 * curve.found / (curve.found + curve.false + curve.positives)).max())
